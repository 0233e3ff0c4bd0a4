package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what a flag takes where its value cannot be read.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	want, ok := map[string]string{
		"int": "a whole number", "int64": "a whole number of at most 64 bits", "float64": "a number",
		"duration": "a duration such as 90s or 5m", "bool": "true or false",
	}[flag.Value.Type()]
	if !ok {
		return err
	}
	return fmt.Errorf("--%s %s: want %s", flag.Name, quoteArgument(invalid.GetValue()), want)
}

// noArgs refuses arguments that are no flags.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 && c.HasSubCommands() {
		return fmt.Errorf("unknown command %q; see '%s --help'", c.CommandPath()+" "+args[0], c.CommandPath())
	}
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: %s takes flags only; see '%s --help'", args[0], c.Name(), c.CommandPath())
	}
	return nil
}

// someArgs wants one argument or more; what names them.
func someArgs(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("nothing given: want %s; see '%s --help'", what, c.CommandPath())
		}
		return nil
	}
}

// oneArg wants one argument.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("unexpected argument %q: want %s; see '%s --help'", args[1], what, c.CommandPath())
		}
		return someArgs(what)(c, args)
	}
}
