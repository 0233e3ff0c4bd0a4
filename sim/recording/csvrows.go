package recording

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// csvRows reads the rows of a CSV.
type csvRows struct {
	path   string
	file   *textFile
	reader *csv.Reader
	// lines counts what stands above the first row: separator lines, comments, blank ones.
	lines int
	// comment is the last comment above the first row, without its mark.
	comment string
	header  []string
	row     []string
	// last is the line of the last row that could be read.
	last int
	// read counts the rows, most is how many there are; 0 for all.
	read, most int64
	// repeated counts the rows that were passed over as they repeat the header.
	repeated int
}

// openCSVText opens a file in any of the encodings of spreadsheets, as UTF-8
// without a mark.
func openCSVText(path string) (*textFile, *bufio.Reader, error) {
	file, err := openText(path)
	if err != nil {
		return nil, nil, err
	}
	text := bufio.NewReaderSize(file, 1<<16)
	head, _ := text.Peek(4)
	switch order := wideOrder(head); {
	case order != nil:
		decoder := unicode.UTF16(*order, unicode.UseBOM).NewDecoder()
		return file, bufio.NewReaderSize(decoder.Reader(text), 1<<16), nil
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		if _, err := text.Discard(3); err != nil {
			file.Close()
			return nil, nil, readError(path, err)
		}
	}
	return file, text, nil
}

// wideOrder is the order of bytes of text in UTF-16, nil for other text.
func wideOrder(head []byte) *unicode.Endianness {
	little, big := unicode.LittleEndian, unicode.BigEndian
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), len(head) == 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return &little
	case bytes.HasPrefix(head, []byte("\xfe\xff")), len(head) == 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return &big
	}
	return nil
}

// openCSVRows opens a file whose cells are separated by comma.
func openCSVRows(path string, comma rune) (*csvRows, error) {
	file, text, err := openCSVText(path)
	if err != nil {
		return nil, err
	}
	r := &csvRows{path: path, file: file}
	if err := r.skipLines(text); err != nil {
		file.Close()
		return nil, err
	}
	r.reader = csv.NewReader(&cellBound{from: text, comma: byte(comma), rows: r})
	r.reader.Comma = comma
	r.reader.ReuseRecord = true
	r.reader.TrimLeadingSpace = comma != '\t'
	return r, nil
}

// separatorLine is the separator that a first line such as sep=; names, 0 if it is none.
func separatorLine(line string) rune {
	name, value, ok := strings.Cut(strings.TrimSpace(strings.Trim(line, "\"\r\n")), "=")
	if !ok || !strings.EqualFold(name, "sep") || utf8.RuneCountInString(value) > 1 {
		return 0
	}
	for _, c := range value {
		return c
	}
	return '\t' // a tab was trimmed
}

// skipLines passes over what stands above a table and is no row.
func (r *csvRows) skipLines(text *bufio.Reader) error {
	for {
		head, err := text.Peek(5)
		if err != nil && err != io.EOF {
			return readError(r.path, err)
		}
		blank := len(head) > 0 && (head[0] == '\n' || head[0] == '\r')
		comment := len(head) > 0 && head[0] == '#'
		separator := len(head) > 3 && strings.EqualFold(strings.TrimLeft(string(head), "\"")[:min(4, len(strings.TrimLeft(string(head), "\"")))], "sep=")
		if !blank && !comment && !separator {
			return nil
		}
		line, err := text.ReadSlice('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("%s:%d:1: a line longer than %d KiB above the table", r.path, r.lines+1, 1<<6)
		}
		if comment {
			r.comment = strings.TrimSpace(strings.TrimLeft(string(line), "# "))
		}
		r.lines++
		if err == io.EOF {
			return nil
		}
	}
}

// next returns the next row, which is valid until the call after.
func (r *csvRows) next() ([]string, error) {
	for {
		if r.most > 0 && r.read == r.most {
			return nil, io.EOF
		}
		row, err := r.reader.Read()
		if errors.Is(err, csv.ErrFieldCount) && len(row) > len(r.header) && allBlank(row[len(r.header):]) {
			row, err = row[:len(r.header)], nil
		}
		if err == nil && len(row) > 1 && allBlank(row) {
			continue
		}
		if len(row) > 0 && (r.repeats(row) || annotation(row[0])) {
			r.repeated++
			continue
		}
		if err == nil {
			r.row, r.last = row, r.line()
			r.read++
			return row, nil
		}
		return row, r.rowError(row, err)
	}
}

// repeats says whether a row is the header again, as where files were joined.
func (r *csvRows) repeats(row []string) bool {
	if r.header == nil || len(row) != len(r.header) {
		return false
	}
	for i, cell := range row {
		if strings.TrimSpace(cell) != r.header[i] {
			return false
		}
	}
	return true
}

// annotation says whether a row begins with one of InfluxDB's annotations.
func annotation(cell string) bool {
	return cell != "" && cell[0] == '#' && (cell == "#datatype" || cell == "#group" || cell == "#default")
}

func (r *csvRows) rowError(row []string, err error) error {
	var parse *csv.ParseError
	var placed *placedError
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.As(err, &placed):
		return placed
	case errors.Is(err, csv.ErrFieldCount):
		hint := ""
		if r.read > 0 && !hasNumber(row) && len(trimmed(row)) > 1 {
			hint = "; if another table begins here, save each as a file of its own"
		}
		return &fieldCount{fmt.Errorf("%s: the row has %d cells, but the header has %d columns%s", r.at(0), len(row), len(r.header), hint)}
	case errors.As(err, &parse):
		return fmt.Errorf("%s:%d:%d: %w", r.path, parse.Line+r.lines, parse.Column, parse.Err)
	}
	return readError(r.path, err)
}

func allBlank(cells []string) bool {
	for _, cell := range cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}

// at is where a cell of the current row stands.
func (r *csvRows) at(field int) string {
	line, column := r.reader.FieldPos(field)
	return fmt.Sprintf("%s:%d:%d", r.path, line+r.lines, column)
}

func (r *csvRows) line() int {
	line, _ := r.reader.FieldPos(0)
	return line + r.lines
}

// cell is a cell of the current row without the blanks around it.
func (r *csvRows) cell(field int) string { return strings.TrimSpace(r.row[field]) }

// A cellBound passes text on as long as no cell is longer than limit.Line and no
// row longer than limit.Row: the reader keeps a whole row in memory.
type cellBound struct {
	from   io.Reader
	comma  byte
	quoted bool
	// cell and row are the lengths so far of the last ones.
	cell, row int
	rows      *csvRows
}

// Read implements io.Reader.
func (b *cellBound) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if text := p[:n]; bytes.IndexByte(text, '"') >= 0 || b.quoted {
		b.walk(text)
	} else {
		b.leap(text)
	}
	switch {
	case b.cell > limit.Line:
		return 0, b.tooLong(fmt.Errorf("a cell longer than %d MiB", limit.Line>>20))
	case b.row > limit.Row:
		return 0, b.tooLong(fmt.Errorf("a row longer than %d MiB", limit.Row>>20))
	}
	return n, err
}

// tooLong has the place of the row before, as its reader has not come further.
func (b *cellBound) tooLong(err error) error {
	return &placedError{fmt.Sprintf("%s:%d:1", b.rows.path, max(b.rows.last, b.rows.lines)+1), err}
}

// leap measures text without quotes by the last separator and line end in it.
func (b *cellBound) leap(text []byte) {
	if line := bytes.LastIndexByte(text, '\n'); line >= 0 {
		b.row, b.cell = 0, 0
		text = text[line+1:]
	}
	b.row += len(text)
	if comma := bytes.LastIndexByte(text, b.comma); comma >= 0 {
		b.cell = 0
		text = text[comma+1:]
	}
	b.cell += len(text)
}

func (b *cellBound) walk(text []byte) {
	longest := 0
	for _, c := range text {
		b.cell++
		b.row++
		longest = max(longest, b.cell)
		switch {
		case c == '"':
			b.quoted = !b.quoted
		case b.quoted:
		case c == '\n':
			b.cell, b.row = 0, 0
		case c == b.comma:
			b.cell = 0
		}
	}
	if longest > limit.Line {
		b.cell = longest
	}
}

// A fieldCount is the error of a row with too few or too many cells.
type fieldCount struct{ error }

// A placedError is an error that names its place.
type placedError struct {
	place string
	err   error
}

func (e *placedError) Error() string { return e.place + ": " + e.err.Error() }

func (e *placedError) Unwrap() error { return e.err }

// utf8Cell is a header's text in UTF-8: spreadsheets write Windows' Western code
// page where nobody asked for another.
func utf8Cell(cell string) string {
	if utf8.ValidString(cell) {
		return cell
	}
	text, err := charmap.Windows1252.NewDecoder().String(cell)
	if err != nil {
		return strings.ToValidUTF8(cell, "_")
	}
	return text
}
