//go:build asan

package testenv

// ASan reports whether the test was built with the address sanitizer.
const ASan = true
