// Asks the broker for topics: first for what must be granted, then for what more could be understood, filter by filter.
import type { MqttClient } from 'mqtt'
import type { BrokerStatus } from '#shared/schemas/health'
import type { ConnectionOptions } from './session-options'

const REFUSED = 128

interface Answer { granted: string[], refused: string[], reasonCodes: number[] }

type Further = NonNullable<BrokerStatus['further']>

export function createSubscriptions({ filters, furtherFilters, replica }: Pick<ConnectionOptions, 'filters' | 'furtherFilters' | 'replica'>) {
  /** Filters for which the broker has closed the connection, for as long as we run. */
  const closing = new Set<string>()
  let asked: { client: MqttClient, filter: string } | undefined

  // While nothing can be stored everything is looked at: what is shared waits in the session.
  const nameOf = (filter: string, canStore: boolean) => replica && canStore ? `$share/${replica.shareName}/${filter}` : filter

  function subscribe(client: MqttClient, wanted: readonly string[], canStore: boolean): Promise<Answer> {
    const topics = Object.fromEntries(wanted.map(filter => [nameOf(filter, canStore), { qos: canStore ? 1 as const : 0 as const }]))
    return new Promise((resolve) => {
      client.subscribe(topics, (error, _granted, packet) => {
        const answers = packet && 'granted' in packet && Array.isArray(packet.granted) ? packet.granted : []
        const codes = wanted.map((_, i) => Number(answers[i] ?? (error ? REFUSED : 0)))
        const isGranted = (_: string, i: number) => (codes[i] ?? REFUSED) < REFUSED
        resolve({
          granted: wanted.filter(isGranted),
          refused: wanted.filter((filter, i) => !isGranted(filter, i)),
          reasonCodes: codes.filter(code => code >= REFUSED),
        })
      })
    })
  }

  return {
    /** What must be granted. From then on the broker holds messages for us, where they can be stored. */
    ask: (client: MqttClient, canStore: boolean): Promise<Answer> => subscribe(client, filters, canStore),
    /** The rest; `isCurrent`: the connection is still the one in use. Undefined: it is not, or there is nothing to ask. */
    async askFurther(client: MqttClient, canStore: boolean, isCurrent: () => boolean): Promise<Further | undefined> {
      const answer: Further = { granted: [], declined: [] }
      for (const filter of furtherFilters) {
        if (!closing.has(filter)) {
          asked = { client, filter }
          const { granted } = await subscribe(client, [filter], canStore)
          if (!isCurrent()) return undefined
          asked = undefined
          answer.granted.push(...granted)
        }
        if (!answer.granted.includes(filter)) answer.declined.push(filter)
      }
      return furtherFilters.length > 0 ? answer : undefined
    },
    /** The connection was closed by the broker: a filter that it was asked for just then is not asked for again. */
    closed(client: MqttClient) {
      if (asked?.client === client) closing.add(asked.filter)
      asked = undefined
    },
    /** Gives back what is shared. */
    leave: (client: MqttClient, done: () => void) => client.unsubscribe([...filters, ...furtherFilters].map(filter => nameOf(filter, true)), done),
  }
}
