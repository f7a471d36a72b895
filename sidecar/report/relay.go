package report

// wish is whom the leader of a term was told to prefer.
type wish struct {
	token int64
	pod   string
}

// relay is what a report asks of this candidate.
type relay struct {
	// prefer is whom to prefer, if that is news.
	prefer *string
	// stepDown says that it is to step down.
	stepDown bool
}

// relay gives each request once: who steps down does not lead any more. A request that was
// made in another term was made to another, also where that had the same name.
func (s *state) relay(v view) (r relay) {
	shown := s.lease.Record
	own := v.leads && shown.Reports == s.address && shown.Holder == v.lock.Record.Holder && shown.Token == v.lock.Record.Token
	if !own {
		return r
	}
	if s.wished.token != shown.Token {
		s.wished = wish{token: shown.Token}
	}
	if shown.Preferred != s.wished.pod {
		s.wished.pod = shown.Preferred
		r.prefer = &shown.Preferred
	}
	r.stepDown = shown.StepDown == shown.Holder
	return r
}
