// Package tune searches the parameters of autoscalers over scenarios and says,
// honestly, whether anything found is better than what is there.
//
// A Search has subjects (scenarios with their current policy), parameters and a
// sampler. Its work comes in units: one candidate each for the samplers grid
// and random, a whole chain for cmaes. What a unit does is a function of the
// search and the unit's number alone, so units may run anywhere in any order;
// Finish puts their trials together and judges them.
//
// # Judgement
//
// The time of every subject is cut into folds + 1 equal windows. Every candidate
// is played once from beginning to end and scored in each window. Fold k chooses
// among the candidates by the windows 1..k and looks at the choice in window
// k+1. The choice of the last fold is what may be recommended; it has never been
// looked at in the newest window before. It is recommended only if it beats the
// current policy there, and if the choices of all folds together beat it in
// their held-out windows. Otherwise the answer is: keep what you have.
//
// To beat a policy is, without constraints, to have fewer replica-hours and
// fewer breach minutes (or none, where there were none) and not to lack more
// replica-hours. With constraints it is to hold them with fewer replica-hours,
// or to hold them where the other does not. A limit on a sum is meant for the
// whole time of the search; a window has its share of it, by length.
//
// Chains of cmaes learn from what they play. Each one belongs to a fold and
// learns from that fold's training windows only, and only later folds may choose
// from it, so that no held-out window leaks into what is judged by it.
package tune
