package azurite_test

import (
	"net/http"
	"testing"

	"github.com/leaseholder-dev/leaseholder/test/clouds/azurite"
)

func TestItAnswersAsTheServiceDoes(t *testing.T) {
	server := azurite.Start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.Endpoint()+"/container/blob", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if id, code := response.Header.Get("X-Ms-Request-Id"), response.StatusCode; id == "" || code != http.StatusForbidden {
		t.Errorf("who shows no key is answered %d, of request %q", code, id)
	}
}
