import type { Bench } from './support/bench.ts'

interface Part { what: string, load: () => Promise<Bench> }

/** All parts in the order they run; loaded when they do, for what they import of the server needs its hook in place. */
export const BENCHES: Record<string, Part> = {
  ingest: {
    what: 'messages a second and CPU per message, beside a bare subscriber',
    load: async () => (await import('./ingest/ingest.ts')).benchIngest,
  },
  fanout: {
    what: 'frames a second, CPU and delay with 1,000 clients, beside a bare broadcast',
    load: async () => (await import('./fanout/fanout.ts')).benchFanout,
  },
  latency: {
    what: 'from the publisher to the WebSocket frame, beside a bare relay',
    load: async () => (await import('./latency/latency.ts')).benchLatency,
  },
  browser: {
    what: 'from publish to painted pixel in Chromium, beside a bare page (under a minute)',
    load: async () => (await import('./browser/browser.ts')).benchBrowser,
  },
  frames: {
    what: 'a page that stays open: frames, memory and nodes of the overview with 10,000 devices',
    load: async () => (await import('./frames/frames.ts')).benchFrames,
  },
  view: {
    what: 'the first visit: when there is something to look at, and how much script that takes',
    load: async () => (await import('./view/view.ts')).benchView,
  },
  restart: {
    what: 'from the start after a SIGKILL to the first right answer, 10,000 devices',
    load: async () => (await import('./restart/restart.ts')).benchRestart,
  },
  snapshot: {
    what: 'GET /api/sensors of 10,000 devices, beside a bare node:http with the same bytes; 304',
    load: async () => (await import('./snapshot/snapshot.ts')).benchSnapshot,
  },
  slow: {
    what: 'clients that never read: memory, and what the others feel of them',
    load: async () => (await import('./slow/slow.ts')).benchSlow,
  },
  attack: {
    what: 'good clients while the server is attacked in sixteen ways, beside the same clients in peace (takes minutes)',
    load: async () => (await import('./attack/attack.ts')).benchAttack,
  },
  memory: {
    what: 'resident memory with 10,000 and 100,000 devices, the start, and clients that come and go',
    load: async () => (await import('./memory/memory.ts')).benchMemory,
  },
  storage: {
    what: 'bytes per sample, the time of charts, and the live view meanwhile (takes minutes)',
    load: async () => (await import('./storage/storage.ts')).benchStorage,
  },
  postgres: {
    what: 'samples a second into PostgreSQL beside a bare COPY, and the time of a day’s chart there',
    load: async () => (await import('./postgres/postgres.ts')).benchPostgres,
  },
  cluster: {
    what: 'messages a second by one replica and by three, and what they cost (takes minutes)',
    load: async () => (await import('./cluster/cluster.ts')).benchCluster,
  },
  scale: {
    what: 'what a message and a viewer cost a server that is alone, and a replica (two minutes)',
    load: async () => (await import('./scale/scale.ts')).benchScale,
  },
  migrate: {
    what: 'a history from SQLite to PostgreSQL, killed once, beside a bare COPY of the same bytes; the answers of both',
    load: async () => (await import('./migrate/migrate.ts')).benchMigrate,
  },
}
