package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// look tries to read what a sidecar keeps to itself, and answers with what became of it:
// "open", or the error, by the program and the user of a process and what was tried of
// it. The program "" is this container itself.
func look(w http.ResponseWriter, _ *http.Request) {
	seen := map[string]map[string]string{"": {"token": try(tokenPath)}}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for _, p := range processes {
		status, err := os.ReadFile(p + "/status")
		if err != nil || p == fmt.Sprint("/proc/", os.Getpid()) {
			continue
		}
		seen[field(status, "Name")+" "+field(status, "Uid")] = map[string]string{
			"token":       try(p + "/root" + tokenPath),
			"files":       try(p + "/root"),
			"environment": try(p + "/environ"),
			"memory":      try(p + "/mem"),
			"maps":        try(p + "/maps"),
			"descriptors": tryLink(p + "/fd/2"),
		}
	}
	_ = json.NewEncoder(w).Encode(seen)
}

// tryLink looks where a link leads.
func tryLink(path string) string {
	if _, err := os.Readlink(path); err != nil {
		return err.Error()
	}
	return "open"
}

// field is the first word of a field of /proc/<pid>/status.
func field(status []byte, name string) string {
	_, rest, _ := strings.Cut(string(status), name+":")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Fields(line + " ?")[0]
}

// try opens a file or a folder.
func try(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_, err = f.ReadDir(1)
		if err != nil {
			return err.Error()
		}
	}
	return "open"
}

// ask sends the request of the form's method to its url, and answers with the code and
// what came.
func ask(w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), r.FormValue("method"), r.FormValue("url"), http.NoBody)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	_, _ = io.WriteString(w, strconv.Itoa(answer.StatusCode)+"\n")
	_, _ = io.Copy(w, answer.Body)
}
