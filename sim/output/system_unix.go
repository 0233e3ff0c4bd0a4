//go:build unix

package output

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exclusive locks a file for as long as it is open; false means that another
// process has it. File systems without locks let everybody in.
func exclusive(f *os.File) bool {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	return !errors.Is(err, unix.EWOULDBLOCK)
}

// access says whether entries of a directory can be changed.
func access(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
