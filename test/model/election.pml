/*
 * The rules of the election, as a model that spin searches exhaustively. doc.go
 * says what is left out, why the result holds all the same, and how to run it.
 *
 * Pods stand in an election over one lock. Every step that a pod, the network, the
 * lock's server, an administrator or time can take is an option of a loop at the
 * end, and spin tries them in every order. A guard says when a step is allowed,
 * never that it is due: everybody may be late with everything, for ever.
 *
 * What must hold is asserted in lead(). Each bug that the model must find stands
 * beside the rule that it breaks, and is switched on by -DBUG_...
 */

/* ---- Sizes ------------------------------------------------------------- */

#ifndef PODS
#define PODS 2
#endif
#ifndef FAULTS
#define FAULTS 2        /* so many crashes and edits by hand */
#endif
#ifndef TOKENS
#define TOKENS 3        /* so many terms; renewals have no end */
#endif
#ifndef VERSIONS
#define VERSIONS 4      /* the lock is changed again before the slowest pod falls further behind */
#endif

/* V, D and S, in ticks. Those of pod 0 can differ from the others'. */
#ifndef RENEW_DEADLINE
#define RENEW_DEADLINE 2
#endif
#ifndef LEASE_DURATION
#define LEASE_DURATION 2
#endif
#ifndef RENEW_DEADLINE_0
#define RENEW_DEADLINE_0 RENEW_DEADLINE
#endif
#ifndef LEASE_DURATION_0
#define LEASE_DURATION_0 LEASE_DURATION
#endif
#ifndef LINGER
#define LINGER 0
#endif

#define V(pod) ((pod) == 0 -> RENEW_DEADLINE_0 : RENEW_DEADLINE)
#define D(pod) ((pod) == 0 -> LEASE_DURATION_0 : LEASE_DURATION)

/*
 * "r the largest ratio of two clocks' rates": pod 0's clock is slow by SLOW/2. What
 * it counts lasts longer: rounded up for its lead, and down for its patience.
 */
#ifndef SLOW
#define SLOW 2
#endif
#define lasts(pod, seconds) ((pod) == 0 -> ((seconds) * SLOW + 1) / 2 : (seconds))
#define waits(pod, seconds) ((pod) == 0 -> ((seconds) * SLOW) / 2 : (seconds))

#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define MIN(a, b) ((a) < (b) -> (a) : (b))
#define LONGEST waits(0, MAX(LEASE_DURATION_0, LEASE_DURATION))

/* ---- State ------------------------------------------------------------- */

/* "Identity: pod name, pod UID, process start." A pod's process starts at most twice. */
#define NOBODY 0
#define identity(pod) (1 + 2*(pod) + c[pod].restarted)
#define podOf(id) (((id) - 1) / 2)

/*
 * One version of the lock. "Stamp and mark are annotations written in the same
 * write: the stamp equals holderIdentity, the mark is the identity with renewTime."
 * A mark is kept here only while it is valid: every write of ours moves renewTime on
 * and so voids it.
 */
typedef Record {
	bool exists;
	byte holder;
	byte stamp;
	byte mark;
	byte duration;
	byte token
};

/*
 * The lock's history, from the oldest version that somebody believes to be the
 * newest. It starts with a lock that is missing. Versions go on over deletion, so
 * that one implies the uid.
 */
Record lock[VERSIONS + 1];
byte top = 1;
#define room (top < VERSIONS)
#define stamped(v) (lock[v].holder != NOBODY && lock[v].stamp == lock[v].holder)

/* The requests. A read is one step. */
#define NONE 0
#define BID 1           /* a write that is to begin a term */
#define RENEWAL 2
#define RELEASE 3

#if defined(BUG_PUT_WITHOUT_UID) || defined(BUG_TAKES_A_MISSING_LOCK_AT_ONCE) || defined(BUG_MAKING_GIVES_THE_LEAD)
#define CREATES
#endif

typedef Candidate {
	bool down;      /* its process has crashed */
	bool restarted;

	/* "known(version, uid, record), seenAt, termD" */
	byte version;   /* zero: nothing is known */
	byte seen;      /* ticks since seenAt */
	byte termD;     /* not below one's own D */
	bool fresh;     /* no quorum read is owed */
	bool heir;      /* the record names this pod's former process */

	/* "leading, validUntil, token, myTerm" */
	byte valid;     /* ticks until validUntil; zero: not leading */
	byte token;
	bool myTerm;
	bool stopping;  /* the application was told to stop */

	/* "one write in flight at a time" */
	byte request;
	bool done;      /* it was executed, and the answer is on its way */
	byte bid;       /* the token that it writes */
	byte left;      /* ticks until ts + V */

	/* A write that nobody waits for any more, and that may still be executed. */
	byte late;
	byte lateBid;
	byte lateBy;

	/* So many ticks more the pod's application may act as the leader. */
	byte acts;

#ifdef SEEK
	byte why;
#endif
#ifdef CREATES
	bool creates;   /* the write is executed only if the lock is missing */
#endif
#ifdef BUG_LATE_REPLY_LOWERS_THE_TOKEN
	byte reply;
#endif
};
Candidate c[PODS];

/* Each pod is a process, its line to the server another, and its fate a third. */
#define self (_pid % PODS)
#define me c[self]
#define known lock[me.version]
#define mine (known.exists && known.holder == identity(self))

byte newest;            /* the largest token of any term */
byte date;              /* the server's Date header as a token, at the least */
byte faults;
#define canFail (faults < FAULTS)
byte i, j;              /* for loops within one step */

/* ---- What must be possible ---------------------------------------------- */

/*
 * A model in which nothing happens fulfils every promise. With -DSEEK=... spin is to
 * find a run in which a pod leads for this reason, which it reports as an error.
 */
#define WAITED 1        /* nothing was heard of the holder for long enough */
#define WAS_RELEASED 2  /* the holder had released the lock, and no time was lost */
#define WAS_MINE 3      /* the lead had run out, and nobody had taken the lock */
#define WAS_MY_PODS 4   /* this pod's process had crashed and was back */
#define WAS_NAMED 5     /* named by hand, and nothing was heard for long enough */
#define RESTORED 6      /* a lock cleared by hand was written again without a gap */
#define REMADE 7        /* so was a lock that had been deleted */
#define STOPS 8         /* the application was told to stop, and needs its time */
#define STORY 9         /* led, crashed; another led, released; and the next led */

#ifdef SEEK
#define found(what) assert(SEEK != what)

/* The chapters of the story, by whom each was written last. */
#define LEADS 0
#define CRASHES 1
#define RELEASES 2
byte chapter, hero;
inline next(what) {
	if
	:: chapter == 0 && what == LEADS -> chapter++; hero = self
	:: chapter == 1 && what == CRASHES && hero == self && me.valid > 0 -> chapter++
	:: chapter == 2 && what == LEADS && hero != self -> chapter++; hero = self
	:: chapter == 3 && what == RELEASES && hero == self -> chapter++
	:: chapter == 4 && what == LEADS && hero != self -> found(STORY)
	:: else
	fi
}
#endif

/* ---- What must hold ---------------------------------------------------- */

#define acts(pod) (c[pod].acts > 0)
#if PODS == 2
#define twoAct (acts(0) && acts(1))
#else
#define twoAct (acts(0) && acts(1) || acts(0) && acts(2) || acts(1) && acts(2))
#endif

/*
 * lead begins a term or goes on with one, for as long as the answered write allows.
 * This is the only place where a term begins, and so where there could be two leaders:
 * "isLeader = leading && now < validUntil" is valid > 0 and not stopping, and a
 * leader's application acts for S longer.
 */
inline lead() {
	me.acts = me.left + LINGER;
	assert(!twoAct);                        /* there is one leader */
#ifdef SEEK
	found(me.why);
#endif
	if
	:: me.valid > 0 ->
		assert(me.bid >= me.token)      /* the token never falls within a term */
	:: else ->
#ifdef SEEK
		next(LEADS);
#endif
		assert(me.bid > newest);        /* every term has a larger token than all before */
		newest = me.bid;
		printf("pod %d leads with token %d\n", self, me.bid)
	fi;
	me.token = me.bid;
	me.valid = me.left
}

/*
 * lose ends a lead. The application needs S to stop; one whose pod has crashed in the
 * meantime may not hear of it, and goes on until the validUntil that it was told.
 */
inline lose() {
	if
	:: me.valid > 0 -> me.acts = MIN(me.acts, LINGER)
	:: else
	fi;
	me.valid = 0;
	me.token = 0
}

/* ---- What a pod knows -------------------------------------------------- */

/* forget drops the versions that nobody believes to be the newest any more. */
#if PODS == 2
#define believed(v) (c[0].version == v || c[1].version == v)
#else
#define believed(v) (c[0].version == v || c[1].version == v || c[2].version == v)
#endif
inline forget() {
	do
	:: top > 1 && !believed(1) ->
		for (i : 1 .. VERSIONS-1) {
			lock[i].exists = lock[i+1].exists;
			lock[i].holder = lock[i+1].holder;
			lock[i].stamp = lock[i+1].stamp;
			lock[i].mark = lock[i+1].mark;
			lock[i].duration = lock[i+1].duration;
			lock[i].token = lock[i+1].token
		}
		lock[top].exists = false;
		lock[top].holder = NOBODY;
		lock[top].stamp = NOBODY;
		lock[top].mark = NOBODY;
		lock[top].duration = 0;
		lock[top].token = 0;
		for (i : 0 .. PODS-1) {
			c[i].version = (c[i].version > 0 -> c[i].version - 1 : 0)
		}
		top--
	:: else -> break
	od;
	i = 0
}

/* "observe(x), from the watch or a quorum read" */
inline observe(news) {
	if
	/* "termD = record's D if another non-empty holder follows" */
	:: lock[news].holder != NOBODY && lock[news].holder != known.holder ->
		me.termD = MAX(D(self), lock[news].duration)
	/* "else max(termD, record's D): also for unheld and deleted" */
	:: else ->
#ifdef BUG_CLEARED_DURATION_IGNORED
		me.termD = MAX(D(self), lock[news].duration)
#else
		me.termD = MAX(me.termD, MAX(D(self), lock[news].duration))
#endif
	fi;
	if
	/* "another holder named: myTerm = false"; "leading: another holder: demote now" */
	:: lock[news].holder != NOBODY && lock[news].holder != identity(self) ->
		me.myTerm = false;
		lose()
	:: else
	fi;
	me.heir = me.heir && lock[news].holder == known.holder;
	/* "known = x; seenAt = now: every new version restarts the timer" */
#if defined(BUG_TIMER_NOT_RESET_BY_RENEWALS)
	me.seen = (lock[news].holder == known.holder -> me.seen : 0);
#elif defined(BUG_HOLDERS_CLOCK_TRUSTED)
	me.seen = LONGEST;      /* renewTime, by a holder's wall clock that is behind */
#else
	me.seen = 0;
#endif
	me.version = news;
	forget()
}

/*
 * "Held by this pod's UID, another start, stamped, so at my first read, and I hold
 * the pod's mutex": one process of a pod runs at a time. With the bug, the other pod
 * has the same name, and is replaced but not gone.
 */
#ifdef BUG_OWN_LOCK_BY_POD_NAME
#define byMyPod true
#else
#define byMyPod (podOf(known.holder) == self)
#endif

/* read is a quorum read. */
inline read() {
	if
	:: me.version == 0 ->
		me.termD = D(self);
		observe(top);
		me.heir = stamped(me.version) && byMyPod && known.holder != identity(self)
	:: me.version > 0 && me.version < top ->
		observe(top)
	:: me.version == top
	fi;
	me.fresh = true;
	printf("pod %d reads holder %d, token %d\n", self, known.holder, known.token)
#ifdef BUG_READ_COUNTS_AS_LEADING
	;
	if
	:: mine && (me.valid > 0 || known.token > newest) ->
		me.bid = MAX(me.token, known.token);
		me.left = lasts(self, V(self));
		lead();
		me.bid = 0;
		me.left = 0
	:: else
	fi
#endif
}

/* ---- What a pod may do ------------------------------------------------- */

/* "mine, stamped, myTerm: write now" */
#ifdef BUG_HAND_NAMED_HOLDER_TRUSTED
#define holds mine
#else
#define holds (mine && stamped(me.version) && me.myTerm)
#endif

/* "unheld, release mark matches the last record: write now" */
#ifdef BUG_TAKES_AN_EMPTY_LOCK_AT_ONCE
#define released (known.holder == NOBODY)
#else
#define released (known.holder == NOBODY && known.mark != NOBODY)
#endif

/* "wait = max(own D, termD)" */
#if defined(BUG_ONLY_THE_RECORDS_DURATION)
#define wait waits(self, known.duration)
#elif defined(BUG_ONLY_ONES_OWN_DURATION)
#define wait waits(self, D(self))
#else
#define wait waits(self, me.termD)
#endif

/*
 * "Unheld, unmarked: write at seenAt + wait. Held by anyone else, or named by hand:
 * write at seenAt + wait, after a quorum read." That read is not asked for here: it
 * spares a write in vain, and a compare-and-swap that is not in vain shows what the
 * read would have. And who knows an old version may write, in vain, at any time: how
 * long it has been waiting is not kept.
 */
#define mayTake (known.exists && (holds || me.heir || released || me.seen >= wait || me.version < top))

/* "leading: mine: renew; unheld, still valid: write at once" */
#define mayRenew (me.valid > 0 && known.exists && (mine || known.holder == NOBODY))

/* "missing: make it, unheld and unmarked": never by a write that takes it, as here. */
#if defined(BUG_TAKES_A_MISSING_LOCK_AT_ONCE)
#define mayMake (me.version == top && !known.exists)
#elif defined(BUG_MAKING_GIVES_THE_LEAD)
#define mayMake (me.version == top && !known.exists && me.seen >= wait)
#else
#define mayMake false
#endif

/* "Token: max(previous + 1, the API server's Date header), in the winning write" */
#ifdef BUG_TRANSITIONS_AS_TOKEN
#define nextToken (known.holder == identity(self) -> known.token : known.token + 1)
#else
#define nextToken MAX(known.token + 1, date)
#endif

#ifdef SEEK
/* because notes for what reason a write is sent. */
inline because(kind) {
	if
	:: me.version < top -> me.why = 0
	:: kind == BID && me.seen >= wait && !mine && known.holder != NOBODY -> me.why = WAITED
	:: kind == BID && me.seen < wait && released -> me.why = WAS_RELEASED
	:: kind == BID && me.seen < wait && holds -> me.why = WAS_MINE
	:: kind == BID && me.seen < wait && me.heir -> me.why = WAS_MY_PODS
	:: kind == BID && me.seen >= wait && mine && !holds -> me.why = WAS_NAMED
	:: kind == RENEWAL && !mine && known.token == me.token -> me.why = RESTORED
	:: kind == RENEWAL && !mine && known.token < me.token -> me.why = REMADE
	:: kind == RENEWAL && mine && me.stopping -> me.why = STOPS
	:: else -> me.why = 0
	fi
}
#endif

/* ---- Writes ------------------------------------------------------------ */

/* failed: "neither success nor loss: quorum read, then decide" */
inline failed(who) {
	c[who].request = NONE;
	c[who].done = false;
	c[who].bid = 0;
	c[who].left = 0;
	c[who].fresh = false
}

/*
 * conflict ends a write that is in vain: the lock has a newer version than the one
 * that it was based on. It fails here at once, although the pod hears so later, if
 * ever.
 */
inline conflict(who) {
	if
#if defined(BUG_CONFLICT_RETRIED_BLINDLY)
	:: c[who].request != RELEASE && lock[top].exists ->
		c[who].left = lasts(who, V(who));
		c[who].bid = MAX(lock[top].token + 1, date)
#elif defined(BUG_RELEASE_RETRIED_ON_CONFLICT)
	:: c[who].request == RELEASE && lock[top].exists ->
		c[who].bid = lock[top].token
#elif defined(BUG_CONFLICT_TAKEN_AS_SUCCESS)
	:: c[who].request != RELEASE -> c[who].done = true
#elif defined(BUG_PUT_WITHOUT_UID)
	:: c[who].request != NONE -> c[who].creates = true
#elif defined(CREATES)
	:: c[who].creates
#endif
	:: else -> failed(who)
	fi
}

/*
 * For how long a pod knows a version does not matter when there is a newer one, or
 * when it holds the lock: it is not counted, and there are fewer states to search.
 */
#ifdef BUG_TIMER_NOT_RESET_BY_RENEWALS
#define outdated(timer) skip
#define counts(who) true
#else
#define outdated(timer) timer = 0
#define counts(who) (c[who].version == top && !(c[who].myTerm && stamped(top) && lock[top].holder == identity(who)))
#endif

/*
 * change makes a version of the lock. All writes under way were based on the one
 * before, and are in vain.
 */
inline change(newExists, newHolder, newStamp, newMark, newDuration, newToken) {
	lock[top+1].exists = newExists;
	lock[top+1].holder = newHolder;
	lock[top+1].stamp = newStamp;
	lock[top+1].mark = newMark;
	lock[top+1].duration = newDuration;
	lock[top+1].token = newToken;
	top++;
	for (j : 0 .. PODS-1) {
		if
		:: c[j].request != NONE && !c[j].done -> conflict(j)
		:: else
		fi;
		c[j].late = NONE;
		c[j].lateBid = 0;
		c[j].lateBy = NOBODY;
		outdated(c[j].seen)
	}
	j = 0;
	forget()
}

/* send: "write: ts = now", so a leader counts from before it sends */
inline send(kind) {
#ifdef SEEK
	because(kind);
#endif
	me.request = kind;
	me.left = lasts(self, V(self));
	me.myTerm = true;
#ifdef CREATES
	me.creates = !known.exists;
#endif
	if
	:: kind == BID -> printf("pod %d bids %d\n", self, me.bid)
	:: kind == RENEWAL -> printf("pod %d renews, with token %d\n", self, me.bid)
	:: kind == RELEASE -> printf("pod %d releases\n", self)
	fi;
	if
	:: me.version < top -> conflict(self)
	:: else
	fi
}

/* "The mark is the identity with renewTime": the next write voids it. */
#ifdef BUG_MARK_NOT_BOUND
#define markThen lock[top].mark
#else
#define markThen NOBODY
#endif

/* execute is what the server does: "compare-and-swap on version AND uid". */
inline execute(kind, by, itsToken) {
	if
	/* "release: holder "" and mark" */
	:: kind == RELEASE ->
#ifdef SEEK
		next(RELEASES);
#endif
		change(true, NOBODY, NOBODY, by, 0, itsToken)
	/* "holder, stamp, D, renewTime" */
	:: kind != RELEASE ->
		change(true, by, by, markThen, 0, itsToken);
		lock[top].duration = D(self)
	fi
}

/*
 * "success, version moved forward: if now < ts + V: leading, validUntil = ts + V; a
 * new term has a new token, never a lower one"
 */
inline succeeded() {
#ifdef BUG_VALIDITY_FROM_THE_REPLY
	me.left = lasts(self, V(self));
#endif
	if
	:: me.request == RELEASE || !me.myTerm
	/* Too late: the lock is this pod's, but its lead would be over already. */
	:: me.left == 0
	/* Too late: the term is over that this was to go on with. */
	:: me.valid == 0 && (me.request == RENEWAL || me.stopping)
	:: else -> lead()
	fi;
	me.request = NONE;
	me.done = false;
	me.bid = 0;
	me.left = 0
}

/* ---- The steps --------------------------------------------------------- */

#define idle (!me.down && me.request == NONE)

/* What a pod does by itself. */
active [PODS] proctype pod() {
	do
	/* A quorum read, at any time. */
	:: d_step { idle && (!me.fresh || me.version < top) ->
		read() }
	/* The watch tells of every version in order, at any time or never. */
	:: d_step { !me.down && me.version > 0 && me.version < top ->
		printf("pod %d watches holder %d, token %d\n", self, lock[me.version+1].holder, lock[me.version+1].token);
		observe(me.version + 1) }

	/* "not leading" */
	:: d_step { idle && me.fresh && !me.stopping && me.valid == 0 && (mayTake || mayMake) && nextToken <= TOKENS ->
		me.bid = nextToken;
		send(BID) }
	/* "leading", and "stopping: not leading, but renewing" */
	:: d_step { idle && me.fresh && mayRenew ->
		me.bid = MAX(me.token, known.token);
		send(RENEWAL) }
	/* The answer of a write that succeeded. */
	:: d_step { me.done ->
		printf("pod %d hears that its write is done\n", self);
		succeeded() }

#ifndef NO_STOPS
	/* "give up: tell (validUntil = 0)" */
	:: d_step { !me.down && me.myTerm && !me.stopping ->
		me.stopping = true;
		printf("pod %d is to stop\n", self) }
	/* "until the application has ended" */
	:: d_step { me.stopping && me.acts > 0 ->
		lose();
		me.acts = 0;
		printf("pod %d has stopped\n", self) }
	/* "release: one compare-and-swap on one's own version" */
#ifdef BUG_RELEASE_BEFORE_STOP
	:: d_step { idle && me.fresh && me.stopping && holds ->
#else
	:: d_step { idle && me.fresh && me.stopping && holds && me.acts == 0 ->
#endif
		me.bid = known.token;
		send(RELEASE) }
	/* "still mine: again; otherwise leave it" */
	:: d_step { idle && me.fresh && me.stopping && !holds && me.acts == 0 ->
		me.stopping = false;
		printf("pod %d has left\n", self) }
#endif

#ifdef BUG_DEMOTION_BY_TIMER_ONLY
	:: d_step { me.valid == 1 ->
		printf("pod %d sees that its lead has run out\n", self);
		lose() }
#endif
#ifdef BUG_LATE_REPLY_LOWERS_THE_TOKEN
	:: d_step { me.reply > 0 ->
		printf("pod %d hears that its late write with token %d is done\n", self, me.reply);
		assert(me.valid == 0 || me.reply >= me.token);
		me.reply = 0 }
#endif
	od
}

/* Whether the server takes a write. One that is in vain has failed already. */
#ifdef CREATES
#define accepted (!me.creates || !lock[top].exists)
#define mayBeLate (me.request != NONE && !me.done && !me.creates)
#elif defined(NO_LATE)
#define accepted true
#define mayBeLate false
#else
#define accepted true
#define mayBeLate (me.request != NONE && !me.done)
#endif

/* What becomes of a pod's writes. */
active [PODS] proctype line() {
	do
	:: d_step { me.request != NONE && !me.done && accepted && room ->
		printf("pod %d's write is executed\n", self);
		me.done = true;
		execute(me.request, identity(self), me.bid) }
#ifdef BUG_NOOP_EXTENDS
	/* A renewal in the same second as the last one changes nothing, and makes no version. */
	:: d_step { me.request == RENEWAL && !me.done && mine && stamped(me.version) ->
		printf("pod %d's write changes nothing\n", self);
		me.done = true }
#endif
	/* The write or its answer is lost. */
	:: d_step { me.request != NONE ->
		printf("pod %d hears nothing\n", self);
		failed(self) }
	/* The pod gives the write up, and it goes on. */
	:: d_step { mayBeLate ->
		printf("pod %d does not wait for its write\n", self);
		me.late = me.request;
		me.lateBid = me.bid;
		me.lateBy = identity(self);
		failed(self) }
	:: d_step { me.late != NONE && room ->
		printf("pod %d's late write is executed\n", self);
#ifdef BUG_LATE_REPLY_LOWERS_THE_TOKEN
		me.reply = (me.late == RELEASE -> 0 : me.lateBid);
#endif
		execute(me.late, me.lateBy, me.lateBid) }
	od
}

#if !defined(NO_CRASHES) || !defined(NO_NAMES)
/* What else happens to a pod. */
active [PODS] proctype fate() {
	do
#ifndef NO_CRASHES
	/* The process ends. Its last write may go on, and its application until validUntil + S. */
	:: d_step { canFail && !me.down ->
		printf("pod %d crashes\n", self);
		faults++;
#ifdef SEEK
		next(CRASHES);
#endif
		if
		:: mayBeLate ->
			me.late = me.request;
			me.lateBid = me.bid;
			me.lateBy = identity(self)
		:: else
		fi;
		failed(self);
		me.down = true;
		me.version = 0;
		me.seen = 0;
		me.termD = 0;
		me.heir = false;
		me.valid = 0;
		me.token = 0;
		me.myTerm = false;
		me.stopping = false;
		forget() }
	:: d_step { me.down && !me.restarted ->
		printf("pod %d starts again\n", self);
		me.down = false;
		me.restarted = true }
#endif
#ifndef NO_NAMES
	/* "A hand edit changes neither" stamp nor mark. */
	:: d_step { canFail && lock[top].exists && lock[top].holder != identity(self) && room ->
		printf("somebody writes pod %d's name into the lock\n", self);
		faults++;
		change(true, identity(self), lock[top].stamp, lock[top].mark, lock[top].duration, lock[top].token) }
#endif
	od
}
#endif

/*
 * With different durations, a pod that has not seen the holder's record can't know
 * how long to wait once it is cleared: equal durations are part of the promise.
 */
#if RENEW_DEADLINE_0 > LEASE_DURATION
#define mayClear (c[0].version == top && c[1].version == top)
#else
#define mayClear true
#endif

/* What happens to the lock. */
active proctype administrator() {
	do
	/*
	 * "missing: make it; read; again: making never gives the lead". So it is all the
	 * same who makes the lock and when, and whether anybody hears of it.
	 */
	:: d_step { !lock[top].exists && room ->
		printf("somebody makes the lock\n");
		change(true, NOBODY, NOBODY, NOBODY, 0, 0) }
#ifndef NO_DELETIONS
	:: d_step { canFail && lock[top].exists && room ->
		printf("somebody deletes the lock\n");
		faults++;
		/* Time goes on: what is made anew is dated later than all before. */
		date = MAX(date, lock[top].token + 1);
		change(false, NOBODY, NOBODY, NOBODY, 0, 0) }
#endif
#ifndef NO_CLEARS
	:: d_step { canFail && lock[top].holder != NOBODY && mayClear && room ->
		printf("somebody clears the lock\n");
		faults++;
		change(true, NOBODY, lock[top].stamp, lock[top].mark, 0, lock[top].token) }
#endif
	od
}

#define less(x) ((x) > 0 -> (x) - 1 : 0)

inline tick(who) {
	if
	:: counts(who) && c[who].seen < LONGEST -> c[who].seen++
	:: else
	fi;
	c[who].left = less(c[who].left);
	if
#if defined(BUG_NO_DEMOTION) || defined(BUG_DEMOTION_BY_TIMER_ONLY)
	:: c[who].valid == 1
#endif
	:: else ->
		c[who].valid = less(c[who].valid);
		c[who].acts = less(c[who].acts);
		c[who].token = (c[who].valid > 0 -> c[who].token : 0)
	fi
}

/* Time, which may pass between any two steps. */
active proctype clock() {
	do
	:: d_step { true ->
		tick(0);
		tick(1);
#if PODS > 2
		tick(2);
#endif
		printf("a tick\n") }
#ifdef BUG_CLOCK_STOPS_IN_SUSPEND
	/* Pod 0's machine is suspended, and its clock stands still. */
	:: d_step { true ->
		printf("a tick, while pod 0's machine is suspended\n");
		tick(1) }
#endif
	od
}
