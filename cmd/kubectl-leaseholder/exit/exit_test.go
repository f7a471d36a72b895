package exit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/exit"
)

func TestCode(t *testing.T) {
	plain := errors.New("plain")
	wrong := exit.With(exit.Wrong, plain)
	for what, test := range map[string]struct {
		err  error
		want int
	}{
		"none":                    {nil, exit.Done},
		"an error without a code": {fmt.Errorf("wrapped: %w", plain), exit.Failed},
		"one with a code":         {wrong, exit.Wrong},
		"one with a code, within": {fmt.Errorf("wrapped: %w", wrong), exit.Wrong},
	} {
		if got := exit.Code(test.err); got != test.want {
			t.Errorf("%s: exit code %d, want %d", what, got, test.want)
		}
	}
	if !errors.Is(wrong, plain) || wrong.Error() != "plain" {
		t.Errorf("the error became %v", wrong)
	}
}
