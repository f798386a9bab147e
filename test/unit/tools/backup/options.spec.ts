import { describe, expect, it } from 'vitest'
import { inMegabytes } from '../../../../tools/backup/files'
import { readOptions } from '../../../../tools/backup/options'
import { createProgress } from '../../../../tools/cli/progress'

describe('the options of backup and restore', () => {
  it('take the data folder from the option, the environment, or the default', () => {
    expect(readOptions(['f'], {})).toEqual({ kind: 'run', options: { file: 'f', data: '.data', force: false } })
    expect(readOptions(['f'], { NUXT_DATA_DIR: '' })).toHaveProperty('options.data', '.data')
    expect(readOptions(['f'], { NUXT_DATA_DIR: '/var/a' })).toHaveProperty('options.data', '/var/a')
    expect(readOptions(['--data', 'b', 'f', '--force'], { NUXT_DATA_DIR: '/var/a' })).toEqual({ kind: 'run', options: { file: 'f', data: 'b', force: true } })
  })

  it('show the help', () => {
    expect(readOptions(['--help'], {})).toEqual({ kind: 'help' })
  })

  it.each([
    [[], 'The name of the backup file is missing.'],
    [['a', 'b'], 'One file is enough, but b came after it.'],
    [['a', '--data', ''], '--data needs the name of a folder.'],
    [['a', '--speed'], 'Unknown option \'--speed\'.'],
  ])('%j are wrong', (args, fault) => {
    expect(readOptions(args, {})).toEqual({ kind: 'wrong', fault })
  })
})

describe('the progress', () => {
  const written = (isTTY: boolean) => {
    const texts: string[] = []
    const progress = createProgress({ isTTY, write: (text: string | Uint8Array) => texts.push(String(text)) > 0 })
    const step = progress.begin('copied', 40_000_000, inMegabytes(40_000_000))
    for (const bytes of [10_000_000, 10_000_001, 11_000_000, 40_000_000]) step(bytes)
    progress.say('Done.')
    return texts
  }

  it('is one line that rewrites itself on a terminal', () => {
    const erase = '\r\u001B[2K'
    expect(written(true)).toEqual([
      `${erase}copied 10.0 of 40.0 MB (25 %)`, `${erase}copied 11.0 of 40.0 MB (27 %)`, `${erase}copied 40.0 of 40.0 MB (100 %)`, `${erase}Done.\n`,
    ])
  })

  it('is a few plain lines elsewhere', () => {
    expect(written(false)).toEqual(['copied 10.0 of 40.0 MB (25 %)\n', 'copied 40.0 of 40.0 MB (100 %)\n', 'Done.\n'])
  })
})
