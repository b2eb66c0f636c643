package cli

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"picam/transport/discovery"
)

func TestWanted(t *testing.T) {
	for text, want := range map[string]string{
		"auto": "the only one", "auto:": "the only one", "auto:desk": "desk", "auto: my desk ": "my desk", "auto:a:b": "a:b",
		"": "", "desk:8002": "", "tcp://auto": "", "automatic": "", "AUTO": "", "nearby": "",
	} {
		name, ok := wanted(autoReceiver, text)
		if ok && name == "" {
			name = "the only one"
		}
		if name = map[bool]string{true: name}[ok]; name != want {
			t.Errorf("--to %s looks for %q, want %q", text, name, want)
		}
	}
}

// What picam discover says to type is what finds the peer, also when a shell has read it.
func TestChoice(t *testing.T) {
	for _, name := range []string{"desk", "desk-2.local", "Tür", "Anna's desk (2)", "a b", "$HOME", "*"} {
		for kind, word := range map[discovery.Kind]string{discovery.Receiver: autoReceiver, discovery.Camera: autoCamera} {
			out, err := exec.Command("sh", "-c", "printf '%s\\n' "+typedChoice(kind, name)).Output()
			if err != nil {
				t.Fatal(err)
			}
			flag, value, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			got, ok := wanted(word, value)
			if !ok || got != name || (flag == "--to") != (kind == discovery.Receiver) {
				t.Errorf("%s %q: %s", kind, name, out)
			}
		}
	}
}

func TestWritePeers(t *testing.T) {
	for _, tt := range []struct {
		name string
		list []discovery.Peer
		want string
	}{
		{"nobody", nil, "nobody has answered: is picam recv running in the same network, without --announce=false, and does no firewall stop UDP port 5353?\n"},
		{"two", []discovery.Peer{
			{Name: "the door", Kind: discovery.Camera, Addresses: []string{"fe80::1%eth0"}, Port: 8004, Version: "v1.2.3"},
			{Name: "desk", Kind: discovery.Receiver, Addresses: []string{"10.0.0.2", "10.0.0.3"}, Port: 8002},
		}, "" +
			"NAME      KIND      ADDRESS              VERSION  WHAT TO TYPE\n" +
			"the door  camera    [fe80::1%eth0]:8004  v1.2.3   picam recv --from auto:'the door'\n" +
			"desk      receiver  10.0.0.2:8002                 picam send --to auto:desk\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := writePeers(&b, tt.list); err != nil || b.String() != tt.want {
				t.Errorf("%v, it is\n%swant\n%s", err, &b, tt.want)
			}
		})
	}
}
