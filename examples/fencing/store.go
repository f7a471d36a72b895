package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// tokenHeader carries the fencing token of the term in which a request was made.
const tokenHeader = "Leaseholder-Token"

// longest is how many bytes a value may have.
const longest = 1 << 16

// store keeps values by key, for the leaders of one election:
//
//	PUT /KEY   keep the body as the key's value
//	GET /KEY   the key's value
//
// A PUT must bear the token of its term, and a GET may. The store remembers the
// largest token that it was shown, and refuses smaller ones with 409.
//
// It is one token for the whole store, not one for each key: what a new leader
// reads or writes anywhere must shut out the old one everywhere, or the old one
// could still change a key that the new one has read and relies on.
//
// It keeps all in memory. One that survives a restart must keep the token with
// the values, in the same transaction.
type store struct {
	mu      sync.Mutex
	highest int64
	values  map[string][]byte
}

func newStore() http.Handler {
	s := &store{values: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /{key}", s.put)
	mux.HandleFunc("GET /{key}", s.get)
	return mux
}

func (s *store) put(w http.ResponseWriter, r *http.Request) {
	token, err := parseToken(r.Header.Get(tokenHeader))
	if err != nil {
		refuse(w, http.StatusBadRequest, refusal{Error: err.Error()})
		return
	}
	value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longest))
	if err != nil {
		refuse(w, http.StatusBadRequest, refusal{Error: err.Error()})
		return
	}
	// The token is compared when the value is stored, and nothing can come
	// between: not when the request arrived, which may be long ago.
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.admit(w, token) {
		return
	}
	s.values[r.PathValue("key")] = value
	w.WriteHeader(http.StatusNoContent)
}

func (s *store) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if header := r.Header.Get(tokenHeader); header != "" {
		token, err := parseToken(header)
		if err != nil {
			refuse(w, http.StatusBadRequest, refusal{Error: err.Error()})
			return
		}
		if !s.admit(w, token) {
			return
		}
	}
	value, found := s.values[r.PathValue("key")]
	if !found {
		refuse(w, http.StatusNotFound, refusal{Error: fmt.Sprintf("there is no key %q", r.PathValue("key"))})
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(value)
}

// admit remembers the token, or refuses it if a larger one was here before. The
// same one again is the same leader.
func (s *store) admit(w http.ResponseWriter, token int64) bool {
	if token < s.highest {
		refuse(w, http.StatusConflict, refusal{
			Error:   fmt.Sprintf("the token %d is of a former leader: %d was here", token, s.highest),
			Token:   strconv.FormatInt(token, 10),
			Highest: strconv.FormatInt(s.highest, 10),
		})
		return false
	}
	s.highest = token
	return true
}

// refusal is the body of every answer that is an error. Tokens are decimal
// strings, since many JSON parsers keep a number as a float of 53 bits.
type refusal struct {
	Error string `json:"error"`
	// Token and Highest are the request's token and the largest one seen, if that
	// is why it was refused.
	Token   string `json:"token,omitempty"`
	Highest string `json:"highest,omitempty"`
}

func refuse(w http.ResponseWriter, code int, body refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A client that has gone is the only failure, and nobody is left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// parseToken reads a token: a decimal number from 1 to 2^63-1. As strings, "9"
// would be larger than "10".
func parseToken(header string) (int64, error) {
	const bits = 63
	token, err := strconv.ParseUint(header, 10, bits)
	if err != nil || token == 0 {
		return 0, fmt.Errorf("%s: %q is refused, allowed: a decimal number from 1 to 9223372036854775807", tokenHeader, header)
	}
	return int64(token), nil
}
