package query

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sightlog/sightlog/usage"
)

// queryWords are the first words of statements that only read. EXPLAIN ANALYZE runs its
// statement, in the same read-only transaction.
var queryWords = []string{"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN"}

// checkReadOnly returns a *usage.Error for a statement that begins with another word:
// LOCK, COPY, SET, DO, CALL and others have effects that a read-only transaction allows.
// Functions and WITH … DELETE are left to the server: to the transaction and the rights of
// the role.
func checkReadOnly(statement string) error {
	rest := skipBlank(statement)
	if rest == "" {
		return usage.New("write a SELECT", "the SQL is empty")
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' })
	if end < 0 {
		end = len(rest)
	}
	word := rest[:max(end, 1)]
	if slices.Contains(queryWords, strings.ToUpper(word)) {
		return nil
	}
	line, column := lineColumn(statement, len([]rune(statement[:len(statement)-len(rest)]))+1)
	return usage.New("only queries are run here, which begin with "+strings.Join(queryWords, ", ")+"; for others use psql",
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

// lineColumn converts a position in characters, from 1, to line and column.
func lineColumn(statement string, position int) (line, column int) {
	line, column = 1, 1
	for _, r := range statement {
		if position--; position == 0 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}
