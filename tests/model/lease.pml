/* lease.pml: the life of one sequence as a model that spin searches whole: takers, keeper, lease,
 * spare, clean stop, crash and power cut, in every order in which their steps can come.
 *
 * What stands for what (src/core/sequence*.c, src/core/keeper.c, src/store):
 *   next, limit   the two atomics of struct sequence     spare_first, spare_limit   its spare
 *   floor         what was burnt, in memory              disk, cache   the mark, durable and as written
 *   taker         sequence_take(), step by step as the processor may see it
 *   keeper        sequence_plan(), store_reserve(), sequence_publish() or sequence_burn()
 *   stop          registry_close(), keeper_stop(), registry_settle()
 *   fate          SIGKILL (the page cache stays) or a power cut (it goes), and the next start
 *
 * What is claimed:
 *   P1  no position is answered twice, in all lives together
 *   P2  a position that is answered lies below the durable mark
 *   P3  an answer is above all that had been answered when its request began
 *   P8  the durable mark never falls below what was answered
 *
 * -DHOLES=1   another node takes positions too, so leases are not contiguous
 * -DBUG=n     plant an error, which spin must find; tests/model/check.sh lists them
 * -DPOSITIONS, -DCRASHES   the bounds. */
#ifndef POSITIONS
#define POSITIONS 6
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef HOLES
#define HOLES 0
#endif
#ifndef BUG
#define BUG 0
#endif
#define LEASE 2
#define CLOSED 255

byte disk = 0;  /* the high-water mark, as a power cut leaves it */
byte cache = 0; /* ... and as the running kernel shows it */

byte next = 0;
byte limit = 0;
byte spare_first = 0;
byte spare_limit = 0;
byte floor = 0;
byte final_next = 0; /* `next` at the moment of closing */
bit closing = 0;     /* registry_close() was called */
bit keeper_busy = 0; /* a commit is on its way */
bit locked = 0;      /* sequence.lock, where it is held for more than one step */
byte elsewhere = 0;  /* what the other node has taken so far */

byte epoch = 0; /* the life of the process; who belongs to an earlier one is dead */
byte crashes = 0;

bit answered[POSITIONS];
byte highest = 0; /* one above the highest position answered */

#define ALIVE (mine == epoch)

/* The answer leaves the house: from here on a client has the number. */
inline answer(position)
{
    assert(!answered[position]);
    assert(position < disk);
    assert(position >= seen);
    answered[position] = 1;
    if
    :: position >= highest -> highest = position + 1
    :: else
    fi
}

proctype taker()
{
    byte mine, l, n, seen;
    bit took;
again:
    mine = epoch;
    do
    :: atomic { ALIVE && limit > 0 && next < limit -> seen = highest };
       atomic { l = limit };
       atomic { n = next };
       do
       :: n >= l -> break
       :: else ->
          took = 0;
          atomic {
              if
              :: !ALIVE -> goto again
              :: ALIVE && next == n -> next = n + 1; took = 1
              :: ALIVE && next != n -> n = next
              fi
          };
          if
          :: took ->
              atomic {
                  if
                  :: ALIVE -> answer(n)
                  :: else
                  fi
              };
              break
          :: else
          fi
       od
    :: atomic { !ALIVE -> goto again }
    :: timeout -> break
    od
}

/* One step of the running process; a dead one begins again in the next life. */
#define STEP(what) \
    atomic { \
        if \
        :: ALIVE -> what \
        :: else -> goto again \
        fi \
    }

proctype keeper()
{
    byte mine, first, end, outcome, how;
again:
    mine = epoch;
    do
    :: /* a renewal is due: little is left, and nobody closes */
       atomic {
           ALIVE && !closing && limit < POSITIONS && cache < POSITIONS &&
               (next >= limit || limit - next < LEASE) && spare_first == spare_limit ->
           keeper_busy = 1
       };
#if HOLES
       /* the other node takes one position, now or not */
       if
       :: elsewhere < 2 && cache + 1 < POSITIONS -> elsewhere++; cache++; disk = cache
       :: true
       fi;
#endif
       /* what the store will say of the commit */
       if
       :: outcome = 0
       :: outcome = 1 /* refused: nothing was written */
       :: outcome = 2 /* written, and the answer lost */
       fi;
       /* one transaction: no other node comes between its reading and its writing */
       STEP(first = (cache > floor -> cache : floor);
            end = (first + LEASE > POSITIONS -> POSITIONS : first + LEASE);
            cache = (outcome == 1 -> cache : end);
            disk = (HOLES -> cache : disk));
#if BUG == 1
       STEP(next = (next < first -> first : next); limit = end);
#endif
#if BUG != 2
       STEP(disk = cache);
#endif
#if BUG == 5
       outcome = 0; /* the commit's result is ignored */
#endif
       how = 0;
       if
       :: outcome != 0 -> how = 4
       :: outcome == 0 ->
           STEP(locked = 1);
           atomic {
               if
               :: first == limit -> how = 1
               :: first != limit && (next < limit || closing) -> how = 2
               :: first != limit && next >= limit && !closing -> how = 3
               fi
           }
       fi;
       if
       :: how == 1 -> STEP(limit = end)
       :: how == 2 -> STEP(spare_first = first; spare_limit = end)
#if BUG == 3
       :: how == 3 -> STEP(limit = end); STEP(next = (next < first -> first : next))
#else
       :: how == 3 -> STEP(next = (next < first -> first : next)); STEP(limit = end)
#endif
       :: how == 4 -> skip /* burnt: what it may have reached is never issued */
       fi;
       STEP(floor = end; keeper_busy = 0; locked = 0);
       first = 0; end = 0; outcome = 0; how = 0
    :: /* the spare's turn, as of a taker that holds the lock: `next` first, which closes the way, then `limit` */
       atomic {
           ALIVE && !closing && !keeper_busy && spare_first != spare_limit && next >= limit ->
           locked = 1
       };
#if BUG == 3
       STEP(limit = spare_limit);
       STEP(next = spare_first);
#else
       STEP(next = spare_first);
       STEP(limit = spare_limit);
#endif
       STEP(spare_first = 0; spare_limit = 0; locked = 0)
    :: atomic { !ALIVE -> goto again }
    :: timeout -> break
    od
}

/* A clean stop, and the start after it. */
proctype stop()
{
    byte mine = epoch;
    byte rest_first, rest_limit;
    if
    :: atomic {
           ALIVE && !locked -> closing = 1; final_next = next;
           next = (BUG == 6 -> next : CLOSED) /* the way is left open */
       };
       atomic { !keeper_busy || !ALIVE }; /* the keeper has ended its commit */
       atomic {
           if
           :: ALIVE ->
               rest_first = (final_next < limit -> final_next : limit);
               rest_limit = limit;
               if
               :: spare_first != spare_limit ->
                   rest_first = (spare_first == limit -> rest_first : spare_first);
                   rest_limit = spare_limit
               :: else
               fi
           :: else -> goto dead
           fi
       };
#if HOLES
       /* the other node takes on, and answers, meanwhile */
       if
       :: atomic { elsewhere < 2 && cache < POSITIONS ->
                   answered[cache] = 1; cache = cache + 1; disk = cache; elsewhere = elsewhere + 1 }
       :: true
       fi;
#endif
       atomic {
           if
           :: ALIVE ->
               if
#if BUG == 4
               :: true -> cache = rest_first; disk = rest_first /* a blind write */
#else
               :: cache == rest_limit -> cache = rest_first; disk = rest_first
               :: cache != rest_limit -> skip /* the record has moved on */
#endif
               fi;
               /* the next life */
               epoch++; closing = 0; keeper_busy = 0; locked = 0; spare_first = 0; spare_limit = 0;
               next = cache; limit = cache; floor = cache
           :: else
           fi
       }
dead:
       skip
    :: true /* nobody stops it */
    fi
}

proctype fate()
{
    do
    :: atomic {
           crashes < CRASHES ->
           crashes++; epoch++; closing = 0; keeper_busy = 0; locked = 0; spare_first = 0; spare_limit = 0;
           if
           :: cache = disk /* the power was cut */
           :: skip         /* SIGKILL: what was written stays */
           fi;
#if BUG == 7
           next = (cache >= LEASE -> cache - LEASE : 0); limit = cache; floor = cache /* serves what was leased before */
#else
           next = cache; limit = cache; floor = cache
#endif
       }
    :: break
    od
}

init
{
    atomic {
        run taker();
        run taker();
        run keeper();
        run stop();
        run fate()
    }
}
