//go:build ignore

// Command fetch downloads a gzipped tar file, checks its SHA-512 and writes one of its
// files:
//
//	go run .ci/tools/fetch.go URL SHA512-IN-BASE64 FILE OUT
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// maxBytes is more than any of these files has.
const maxBytes = 64 << 20

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "fetch: want URL SHA512 FILE OUT")
		os.Exit(2)
	}
	if err := fetch(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "fetch:", err)
		os.Exit(1)
	}
}

func fetch(url, sum, name, out string) error {
	client := &http.Client{Timeout: 2 * time.Minute}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxBytes))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	digest := sha512.Sum512(content)
	if got := base64.StdEncoding.EncodeToString(digest[:]); got != sum {
		return fmt.Errorf("%s: SHA-512 %s, want %s", url, got, sum)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", url, name, err)
		}
		if header.Name != name {
			continue
		}
		file, err := io.ReadAll(io.LimitReader(files, maxBytes))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", url, name, err)
		}
		return os.WriteFile(out, file, 0o644)
	}
}
