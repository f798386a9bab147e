// Collects the figures of all rooms for monitoring.
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BrokerStatus } from '#shared/schemas/health'
import type { Accounts } from '../auth/contract'
import type { Replica } from '../cluster/replica'
import type { PresenceWatch } from '../fleet/presence/presence'
import type { History, HistoryFigures } from '../history/contract'
import type { Ingest } from '../ingest/ingest'
import type { Hub } from '../stream/hub'
import type { Figures } from '../metrics/figures'
import type { Session } from '../mqtt/connection'
import type { Rejections } from '../rejections/rejections'
import type { Replays } from '../replay/replays'
import type { Settings } from '../settings'
import type { RejectedRequests } from '../http/rejected-requests'

export interface FiguresParts {
  ingest: Pick<Ingest, 'counts'>
  rejections: Rejections
  presence: Pick<PresenceWatch, 'counts'>
  hub: Hub
  replays: Replays
  history: History | undefined
  refusals: RejectedRequests
  accounts: Accounts
  limits: Settings['limits']
  /** The database. */
  file: string
  broker: () => BrokerStatus
  session: () => Session | undefined
  replica: Pick<Replica, 'leads' | 'slot' | 'position'> | undefined
}

export async function readFigures({ ingest, rejections, presence, hub, replays, history, refusals, accounts, limits, file, broker, session, replica }: FiguresParts): Promise<Figures> {
  const [databaseBytes, logBytes, freeBytes] = await Promise.all([sizeOf(file), sizeOf(`${file}-wal`), freeOf(dirname(file))])
  const { code, since } = broker()
  const { attempts = 0, connects = 0, resumed } = session() ?? {}
  return {
    messages: ingest.counts(),
    rejected: rejections.report().byReason,
    devices: { byPresence: presence.counts(), limit: limits.devices },
    stream: {
      ...hub.counts(),
      clients: hub.size(),
      replays: replays.size(),
      clientLimit: limits.streamClients,
      replayLimit: limits.replays,
      waitingLimit: limits.streamWaitingBytes,
    },
    cluster: replica && { leads: replica.leads(), slot: replica.slot(), position: replica.position() },
    broker: { code, sinceMs: Date.parse(since), attempts, connects, resumed },
    store: {
      isEnabled: history !== undefined,
      hasFailed: history !== undefined && history.fault() !== null,
      databaseBytes,
      logBytes,
      freeBytes,
      history: figuresOf(history),
    },
    refused: refusals.report(),
    logins: accounts.logins(),
  }
}

/** A failed store must not prevent the other figures. */
function figuresOf(history: History | undefined): HistoryFigures | undefined {
  try {
    return history?.figures()
  }
  catch {
    return undefined
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size
}

/** Bytes that are free for us on the disk of a folder. */
async function freeOf(folder: string): Promise<number | undefined> {
  const disk = await statfs(folder).catch(() => undefined)
  return disk && disk.bavail * disk.bsize
}
