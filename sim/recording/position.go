package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// position turns an offset into a file's text into path:line:column. It reads
// the file again, which only errors do.
func position(path string, offset int64) string {
	file, err := openText(path)
	if err != nil {
		return path
	}
	defer file.Close()
	text := bufio.NewReader(io.LimitReader(file, offset)) // the bound of what is unpacked was kept when it was read
	line, column := 1, 1
	for {
		c, err := text.ReadByte()
		if err != nil {
			return fmt.Sprintf("%s:%d:%d", path, line, column)
		}
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
	}
}

// jsonOffset is where a JSON error happened.
func jsonOffset(dec *json.Decoder, err error) int64 {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return max(syntax.Offset-1, 0)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return kind.Offset
	}
	return dec.InputOffset()
}
