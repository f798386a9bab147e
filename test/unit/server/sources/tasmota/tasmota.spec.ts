import { describe, expect, it } from 'vitest'
import { createTasmotaSource } from '../../../../../server/sources/tasmota/tasmota'

const NOW = Date.parse('2026-03-04T05:06:07.000Z')
const LIMITS = { payloadBytes: 1_000, metricsPerMessage: 5, nameLength: 40, valueLength: 100, clockToleranceSeconds: 60 }
const source = createTasmotaSource(LIMITS)
const read = (topic: string, payload: string | object, replayed = false) =>
  source.read({ topic, payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)), replayed }, NOW)

describe('a Tasmota device', () => {
  it('says its numbers by their paths, at the time they came', () => {
    const payload = { Time: '2026-03-04T06:06:07', AM2301: { Temperature: 4.7, Humidity: 93.7 }, TempUnit: 'C', SPI: [{ Id: 7, Value: 1 }], Switch1: 'OFF' }
    expect(read('tele/wetter/SENSOR', payload)).toEqual([{
      kind: 'telemetry',
      time: NOW * 1_000,
      telemetry: {
        deviceId: 'tasmota:wetter', ts: '2026-03-04T05:06:07.000Z', receivedAt: '2026-03-04T05:06:07.000Z',
        metrics: { 'AM2301.Temperature': 4.7, 'AM2301.Humidity': 93.7, 'SPI.0.Value': 1 },
      },
    }])
  })

  it('marks what the broker replays', () => {
    expect(read('tele/a/SENSOR', { A: 1 }, true)).toMatchObject([{ telemetry: { replayed: true } }])
    expect(read('tele/a/LWT', 'Online', true)).toMatchObject([{ change: { replayed: true } }])
  })

  it.each([['Online', 'online'], ['Offline', 'offline'], ['', null]])('is there or not by its last will: %j', (payload, status) => {
    expect(read('tele/wetter/LWT', payload)).toMatchObject([{ kind: 'status', change: { deviceId: 'tasmota:wetter', status } }])
  })

  it('says nothing of interest without a number', () => {
    expect(read('tele/a/SENSOR', { Time: '2026-03-04T06:06:07', Switch1: 'OFF', Empty: {} })).toEqual([])
    expect(read('tele/a/SENSOR', '')).toEqual([])
  })

  it.each<[string, string, string | object, string]>([
    ['no JSON', 'tele/a/SENSOR', '{"A":', 'not-json'],
    ['no object', 'tele/a/SENSOR', '[1]', 'not-an-object'],
    ['too long', 'tele/a/SENSOR', JSON.stringify({ A: 'x'.repeat(1_000) }), 'payload-too-large'],
    ['too many numbers', 'tele/a/SENSOR', { A: [1, 2, 3, 4, 5, 6] }, 'metrics-too-many'],
    ['a name that is too long', 'tele/a/SENSOR', { ['n'.repeat(41)]: 1 }, 'metric-name-invalid'],
    ['a number too large for a double', 'tele/a/SENSOR', '{"A":{"B":1e400}}', 'metric-value-invalid'],
    ['a whole number that a double would change', 'tele/a/SENSOR', '{"A":9007199254740993}', 'metric-value-invalid'],
    ['a topic that is too long', `tele/${'t'.repeat(41)}/SENSOR`, { A: 1 }, 'device-id-invalid'],
    ['another word as last will', 'tele/a/LWT', 'Perhaps', 'status-invalid'],
  ])('is rejected with the reason: %s', (_, topic, payload, reason) => {
    expect(read(topic, payload)).toMatchObject([{ kind: 'rejected', reason }])
  })

  it('owns only its own topics', () => {
    expect(['tele/a/SENSOR', 'tele/a/LWT', 'tele/a/STATE', 'tele/a/b/SENSOR', 'sensors/a/telemetry'].map(source.owns)).toEqual([true, true, false, false, false])
  })
})
