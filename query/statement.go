package query

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sightlog/sightlog/usage"
)

// asking are the words that a statement which only reads begins with. EXPLAIN
// ANALYZE runs what it explains, in the same read-only transaction.
var asking = []string{"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN"}

// onlyAsks refuses a statement that begins with another word: LOCK, COPY, SET,
// DO, CALL and their like have effects that a read-only transaction allows.
// Functions and WITH … DELETE are not judged here but by the server, by the
// transaction and the role's rights.
func onlyAsks(statement string) error {
	rest := skipBlank(statement)
	if rest == "" {
		return usage.New("write a SELECT", "the SQL is empty")
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' })
	if end < 0 {
		end = len(rest)
	}
	word := rest[:max(end, 1)]
	if slices.Contains(asking, strings.ToUpper(word)) {
		return nil
	}
	line, column := place(statement, len([]rune(statement[:len(statement)-len(rest)]))+1)
	return usage.New("only questions are answered here, they begin with "+strings.Join(asking, ", ")+"; for others use psql",
		"SQL: line %d, column %d: a statement that begins with %q", line, column, word)
}

// skipBlank returns the statement without the blanks, comments and opening
// parentheses it begins with.
func skipBlank(s string) string {
	for {
		s = strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '(' })
		switch {
		case strings.HasPrefix(s, "--"):
			_, s, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			s = skipComment(s)
		default:
			return s
		}
	}
}

// skipComment skips one comment with those inside it: SQL's comments nest.
func skipComment(s string) string {
	depth := 0
	for len(s) > 0 {
		switch {
		case strings.HasPrefix(s, "/*"):
			depth, s = depth+1, s[2:]
		case strings.HasPrefix(s, "*/"):
			if depth, s = depth-1, s[2:]; depth == 0 {
				return s
			}
		default:
			s = s[1:]
		}
	}
	return ""
}
