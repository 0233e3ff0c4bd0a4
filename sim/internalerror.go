package sim

// An InternalError is no fault of the input: a disk is full, or there is no place for
// temporary files.
type InternalError struct{ Err error }

// Error implements error.
func (e *InternalError) Error() string { return e.Err.Error() }

// Unwrap returns the error without the mark.
func (e *InternalError) Unwrap() error { return e.Err }

// Internal marks an error as an InternalError; nil stays nil.
func Internal(err error) error {
	if err == nil {
		return nil
	}
	return &InternalError{err}
}
