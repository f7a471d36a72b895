package credentials

import (
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Reread is how often a folder is read again.
const Reread = time.Minute

// Current is what a store makes of its folder (a client, mostly), S being what the folder
// says. It is made anew when that has changed; a folder that is wrong, or that nothing
// can be made of, changes nothing.
type Current[S comparable, C any] struct {
	folder string
	read   func(*Reader) S
	build  func(S) (C, error)

	mu     sync.Mutex
	said   S
	made   C
	readAt time.Time
}

// Follow reads the folder with read, and makes something of it with build. Both are called
// again later, by one goroutine at a time, and must not wait for anybody.
func Follow[S comparable, C any](folder string, read func(*Reader) S, build func(S) (C, error)) (*Current[S, C], error) {
	c := &Current[S, C]{folder: folder, read: read, build: build, readAt: time.Now()}
	var err error
	if c.said, err = c.look(); err != nil {
		return nil, err
	}
	if c.made, err = build(c.said); err != nil {
		return nil, err
	}
	return c, nil
}

// Get gives what was made of the folder as it is now, or was no longer than Reread ago.
func (c *Current[S, C]) Get() C {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.readAt) < Reread {
		return c.made
	}
	c.readAt = time.Now()
	says, err := c.look()
	if err != nil || says == c.said {
		return c.made
	}
	if made, err := c.build(says); err == nil {
		c.made, c.said = made, says
	}
	return c.made
}

// look reads the whole folder in one state: a key's ID and the key itself must not be of
// two. The kubelet replaces all files of a Secret at once, by a link.
func (c *Current[S, C]) look() (S, error) {
	for {
		before := c.state()
		r := NewReader(c.folder)
		says := c.read(r)
		if c.state() == before {
			return says, r.Err()
		}
	}
}

// state is where the kubelet's link points to, and empty in a folder of another kind.
func (c *Current[S, C]) state() string {
	to, err := os.Readlink(filepath.Join(c.folder, "..data"))
	if err != nil {
		return ""
	}
	return to
}
