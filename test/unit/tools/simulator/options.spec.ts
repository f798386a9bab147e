import { describe, expect, it } from 'vitest'
import { readOptions } from '../../../../tools/simulator/options'

function faultsOf(...args: string[]): string[] {
  const asked = readOptions(args)
  return asked.kind === 'wrong' ? asked.faults : []
}

describe('the options of the simulator', () => {
  it('have defaults', () => {
    expect(readOptions([])).toEqual({
      kind: 'run',
      options: { url: 'mqtt://127.0.0.1:1883', devices: 20, rate: 10, qos: 0, seed: 'leitstand', faults: false },
    })
  })

  it('are read', () => {
    const args = '--url mqtts://broker:8883 --devices 10000 --rate 0.5 --seconds 60 --qos 1 --username u --password 007 --seed x --faults'
    expect(readOptions(args.split(' '))).toEqual({
      kind: 'run',
      options: { url: 'mqtts://broker:8883', devices: 10_000, rate: 0.5, seconds: 60, qos: 1, username: 'u', password: '007', seed: 'x', faults: true },
    })
  })

  it('take the password from the environment, but only for a given user', () => {
    const env = { MQTT_PASSWORD: 'secret' }
    expect(readOptions(['--username', 'u'], env)).toMatchObject({ options: { password: 'secret' } })
    expect(readOptions([], env)).not.toHaveProperty('options.password', 'secret')
  })

  it('show the help', () => {
    expect(readOptions(['--help', '--devices', 'many'])).toEqual({ kind: 'help' })
  })

  it.each([
    [['--url', 'http://broker'], '--url must be an address such as mqtt://host:1883, mqtts://host:8883 or ws://host:9001.'],
    [['--url', 'broker:1883'], '--url must be an address such as mqtt://host:1883, mqtts://host:8883 or ws://host:9001.'],
    [['--devices', '0'], '--devices must be a whole number from 1 to 1,000,000.'],
    [['--devices', '2.5'], '--devices must be a whole number from 1 to 1,000,000.'],
    [['--devices', ''], '--devices must be a whole number from 1 to 1,000,000.'],
    [['--rate', '0'], '--rate must be a number above 0 and at most 1,000,000.'],
    [['--rate', '0x10'], '--rate must be a number above 0 and at most 1,000,000.'],
    [['--seconds', 'soon'], '--seconds must be a number above 0 and at most 31,536,000.'],
    [['--qos', '2'], '--qos must be 0 or 1.'],
    [['--faults', '--devices', '2'], '--faults needs at least 3 devices, one for each fault.'],
    [['--password', 'x'], '--password needs --username.'],
    [['--fast'], 'Unknown option \'--fast\'.'],
    [['--rate'], '--rate needs a value (one that begins with a dash is written --rate=-1).'],
    [['--rate', '-5'], '--rate needs a value (one that begins with a dash is written --rate=-1).'],
    [['--faults=yes'], 'Option \'--faults\' does not take an argument.'],
    [['5'], 'Unexpected argument \'5\': with npm, options go behind a double dash, as in npm run simulate -- --devices 5.'],
  ])('refuse %j in one sentence', (args, sentence) => {
    expect(faultsOf(...args)).toEqual([sentence])
  })

  it('refuse each of several', () => {
    expect(faultsOf('--devices', 'x', '--qos', '9')).toEqual(['--devices must be a whole number from 1 to 1,000,000.', '--qos must be 0 or 1.'])
  })
})
