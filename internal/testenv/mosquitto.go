package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Mosquitto runs an MQTT broker with a user, door, whose password is right, and returns its
// address. more are lines of its configuration.
func Mosquitto(t *testing.T, more ...string) string {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		Skip(t, "mosquitto is not installed")
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().(*net.TCPAddr)
	must(t, l.Close())
	passwords, conf := filepath.Join(dir, "users"), filepath.Join(dir, "mosquitto.conf")
	must(t, os.WriteFile(passwords, []byte("door:right\n"), 0o600))
	must(t, exec.CommandContext(t.Context(), "mosquitto_passwd", "-U", passwords).Run())
	must(t, os.WriteFile(conf, fmt.Appendf(nil, "listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\nuser root\n%s\n", addr.Port, passwords, strings.Join(more, "\n")), 0o600))
	cmd := exec.Command(program, "-c", conf)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	Await(t, "the broker to listen", func() bool {
		c, err := net.Dial("tcp", addr.String())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return addr.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
