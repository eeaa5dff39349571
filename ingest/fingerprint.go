package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A fingerprint shows whether a source is the same as before, or begins as it did:
//
//	a file      its size and a digest of two parts of it, size-digest
//	pictures    a digest of the list: name, size and such a digest of each
//
// Time of change and path are not in it: a file that was touched or moved is the
// same. The first part lies behind what muxers rewrite when they close a file
// (the sizes and counts in the header of AVI, Matroska, FLV), the second is its
// end, so that of a file that has grown both are found again at the size it had.
const (
	header      = 16 << 10
	partOfFile  = 64 << 10
	partOfImage = 4 << 10
)

// fingerprint returns that of a file.
func fingerprint(path string) (string, error) {
	size, sum, err := digestFile(path, headerOf, partOfFile)
	return fmt.Sprintf("%d-%s", size, sum), err
}

// digestFile returns a file's size and digest; from says, by the size, where the
// first part begins.
func digestFile(path string, from func(size int64) int64, part int64) (size int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	sum, err = digest(f, st.Size(), from(st.Size()), part)
	return st.Size(), sum, err
}

// headerOf is how much of a file is passed over: nothing of a small one.
func headerOf(size int64) int64 {
	if size < 2*partOfFile {
		return 0
	}
	return header
}

// digest hashes the part at from and the last one before size.
func digest(f io.ReaderAt, size, from, part int64) (string, error) {
	h := sha256.New()
	for _, at := range []int64{from, max(from+part, size-part)} {
		if _, err := io.Copy(h, io.NewSectionReader(f, at, min(part, max(0, size-at)))); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func fileContinues(path, fingerprint string) bool {
	before, _, _ := strings.Cut(fingerprint, "-")
	size, err := strconv.ParseInt(before, 10, 64)
	if err != nil || size <= 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() < size {
		return false
	}
	for _, from := range []int64{headerOf(size), 0} { // 0: as it was made at first, with the time in the middle
		if sum, err := digest(f, size, from, partOfFile); err == nil && strings.HasSuffix(fingerprint, "-"+sum) {
			return true
		}
	}
	return false
}

// pictureLine is a picture's line of the list.
func pictureLine(path string) (string, error) {
	size, sum, err := digestFile(path, func(int64) int64 { return 0 }, partOfImage)
	return fmt.Sprintf("%s %d %s", filepath.Base(path), size, sum), err
}
