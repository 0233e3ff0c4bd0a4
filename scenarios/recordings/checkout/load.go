package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// day is the load of one day: requests a second at hours of the day, linear in
// between. At 13:00 a flash crowd arrives.
var day = []struct{ hour, rate float64 }{
	{0, 14}, {4, 10}, {7, 30}, {9, 70}, {11, 85}, {13, 80},
	{13.5, 235}, {16, 235}, {17, 95},
	{19, 100}, {21, 50}, {23, 20}, {24, 14},
}

// rateAt returns the load at a time of the day, in requests a second.
func rateAt(hour float64) float64 {
	for i := 1; i < len(day); i++ {
		a, b := day[i-1], day[i]
		if hour < b.hour {
			return a.rate + (b.rate-a.rate)*(hour-a.hour)/(b.hour-a.hour)
		}
	}
	return day[len(day)-1].rate
}

func load(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	url := flags.String("url", "http://127.0.0.1:18080/checkout", "where requests go")
	length := flags.Duration("duration", 45*time.Minute, "how long the day lasts")
	seed := flags.Uint64("seed", 1, "of arrivals and noise")
	if err := flags.Parse(args); err != nil {
		return err
	}

	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 1024},
	}
	random := rand.New(rand.NewPCG(*seed, 0))
	var sent sync.WaitGroup
	defer sent.Wait()

	start, count, noise := time.Now(), 0, 0.0
	for at := time.Duration(0); at < *length; count++ {
		hour := 24 * at.Seconds() / length.Seconds()
		rate := rateAt(hour) * (1 + noise)
		gap := random.ExpFloat64() / rate
		at += time.Duration(gap * float64(time.Second))
		noise = drift(random, noise, gap)

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(start.Add(at))):
		}
		sent.Go(func() { get(client, *url) })
	}
	fmt.Printf("sent %d requests in %s\n", count, length)
	return nil
}

// drift moves the noise on by dt seconds: it wanders some five percent around 0
// and forgets itself within about half a minute.
func drift(random *rand.Rand, noise, dt float64) float64 {
	const memory, size = 30.0, 0.05
	return noise - noise*dt/memory + size*math.Sqrt(2*dt/memory)*random.NormFloat64()
}

// get sends one request. Failures need no report: the service counts them.
func get(client *http.Client, url string) {
	answer, err := client.Get(url)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
}
