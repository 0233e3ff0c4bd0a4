package share

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// ErrGone says that a file is not there any more: it expired, or was compressed.
var ErrGone = errors.New("the file is gone")

// maxMessage is how much of an answer an error repeats, in bytes.
const maxMessage = 300

// A Client reads from a Handler.
type Client struct {
	// HTTP reaches the handler, whatever the address is.
	HTTP *http.Client
}

// List returns the journal's files by name, each in one form.
func (c *Client) List(ctx context.Context) ([]File, error) {
	body, err := c.get(ctx, "", 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var files []File
	if err := json.NewDecoder(body).Decode(&files); err != nil {
		return nil, fmt.Errorf("the answer is no list of files: %w", err)
	}
	for i := range files {
		// A name becomes a path of ours.
		if !IsJournal(files[i].Name) || strings.ContainsAny(files[i].Name, `/\`) {
			return nil, fmt.Errorf("the answer is no list of files: %q is no name of a journal file", files[i].Name)
		}
	}
	return files, nil
}

// Open reads a file from an offset in bytes on, which must lie within it. It
// returns ErrGone where there is no such file any more.
func (c *Client) Open(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	return c.get(ctx, name, from)
}

func (c *Client) get(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://controller"+path+url.PathEscape(name), nil)
	if err != nil {
		return nil, err
	}
	want := http.StatusOK
	if from > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		want = http.StatusPartialContent
	}
	answer, err := c.HTTP.Do(r)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // the address means nothing
		}
		return nil, err
	}
	if answer.StatusCode == want {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound && name != "" {
		return nil, ErrGone
	}
	message, _ := io.ReadAll(io.LimitReader(answer.Body, maxMessage))
	if text := strings.Join(strings.Fields(string(message)), " "); text != "" {
		return nil, errors.New(text)
	}
	return nil, fmt.Errorf("unexpected answer: %s", answer.Status)
}
