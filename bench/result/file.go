package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sightlog/sightlog/usage"
)

// Write writes a report as one indented JSON object. Several, one after the other, are a
// file that ReadAll reads.
func Write(w io.Writer, r *Report) error {
	r.Schema = Schema
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// ReadAll reads the reports of a file, one JSON object after the other. name is said in
// errors, which are *usage.Error.
func ReadAll(r io.Reader, name string) (all []*Report, err error) {
	for d := json.NewDecoder(r); ; {
		var report Report
		switch err := d.Decode(&report); {
		case errors.Is(err, io.EOF) && len(all) > 0:
			return all, nil
		case err != nil:
			return nil, usage.Wrap(err, "give a file that bench --json has written", "%s: no report: %v", name, err)
		case report.Schema != Schema:
			return nil, usage.New("measure again with this program", "%s: its report has schema %d, this program reads %d", name, report.Schema, Schema)
		}
		all = append(all, &report)
	}
}
