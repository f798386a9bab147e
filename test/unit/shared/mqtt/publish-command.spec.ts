import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { publishCommand, telemetryTopic } from '#shared/mqtt/publish-command'

describe('publishCommand', () => {
  it.each(['mqtt://127.0.0.1:1883', 'mqtt://localhost', ''])('is the documented line for %j', (url) => {
    expect(publishCommand(url, 'tor-1')).toBe(
      `mosquitto_pub -h localhost -p 1883 -t sensors/tor-1/telemetry -m '{"metrics":{"tempC":22.4,"doorState":"open"}}'`,
    )
  })

  it('takes host and port from the broker', () => {
    expect(publishCommand('mqtt://mosquitto:1999', 'a')).toContain('-h mosquitto -p 1999 ')
    expect(publishCommand('mqtts://broker.example', 'a')).toContain('-h broker.example -p 8883 ')
  })

  it.each([`it's`, 'a b', '$(date)', '`date`', '"', 'Größe', '\\', '!x', ';'])('survives a shell with the deviceId %j', (deviceId) => {
    const argument = publishCommand('', deviceId).match(/-t (.*) -m /s)?.[1] ?? ''
    expect(execFileSync('sh', ['-c', `printf %s ${argument}`], { encoding: 'utf8' })).toBe(telemetryTopic(deviceId))
  })
})
