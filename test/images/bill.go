package images

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// list writes a program's bill of materials: without a serial number, a time, and
// the hashes of the generator, which is another program on another machine.
func (o Options) list(ctx context.Context, program, bill string) error {
	c := exec.CommandContext(ctx, o.Generator, "bin", "-json", "-noserial", "-notimestamp", "-std", "-version", o.Version, program)
	var said bytes.Buffer
	c.Stderr = &said
	generated, err := c.Output()
	if err != nil {
		return fmt.Errorf("run %q: %w\n%s", c.String(), err, said.String())
	}
	content, err := withoutGenerator(generated)
	if err != nil {
		return fmt.Errorf("read the bill of materials of %q: %w", program, err)
	}
	return os.WriteFile(bill, content, 0o644)
}

// withoutGenerator removes the hashes of the generator's own executable.
func withoutGenerator(bill []byte) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(bill, &document); err != nil {
		return nil, err
	}
	metadata, _ := document["metadata"].(map[string]any)
	tools, _ := metadata["tools"].([]any)
	if len(tools) == 0 {
		return nil, fmt.Errorf("find the generator: metadata.tools is %v", metadata["tools"])
	}
	for _, tool := range tools {
		if tool, ok := tool.(map[string]any); ok {
			delete(tool, "hashes")
		}
	}
	// Keys come out sorted.
	content, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(content, '\n'), nil
}
