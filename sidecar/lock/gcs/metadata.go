package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/compute/metadata"
)

// metadataTokens asks the metadata server for the tokens of the pod's own identity.
type metadataTokens struct{ client *metadata.Client }

// Token implements auth.TokenProvider.
func (m metadataTokens) Token(ctx context.Context) (*auth.Token, error) {
	answer, err := m.client.GetWithContext(ctx, "instance/service-accounts/default/token?scopes="+url.QueryEscape(scope))
	if err != nil {
		return nil, fmt.Errorf("ask the metadata server, as there is no %s: %w", keyFile, err)
	}
	var token struct {
		Value   string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	err = json.Unmarshal([]byte(answer), &token)
	if err == nil && (token.Value == "" || token.Seconds <= 0) {
		err = errors.New("it has no token, or one that has run out")
	}
	if err != nil {
		return nil, fmt.Errorf("read the metadata server's answer: %w", err)
	}
	return &auth.Token{Value: token.Value, Expiry: time.Now().Add(time.Duration(token.Seconds) * time.Second)}, nil
}
