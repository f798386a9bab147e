import { afterAll, describe, expect, it } from 'vitest'
import { restored } from '#shared/text/spreadsheet'
import { startApp } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { closeBrowser, openPage } from './support/browser'
import { findBrowser, mosquitto } from './support/dependencies'
import { until } from './support/until'

const browser = await findBrowser().catch(() => false)
afterAll(closeBrowser)

const TEXTS = ['=1+2', '@SUM(2)', '+1', '-cmd|x', '-7+cmd|\' /C notepad\'!A1', '-2-2', '-5', '-5.25e3', '5', 'true', '＝1+2', '－5', '\t=1', '\r=1', '\n=1', 'open;=1+2', 'a,=1', 'a\n-2', 'a\t@x', ' =1', '"=1"', '\'=1', 'plain', '22 "°C"; quoted']
const NUMBERS = [-5.5, -5.25e30, 1e-7, 0, 42]
const METRIC = '=1+2;-3'

async function startWithSheet() {
  const broker = await startMosquitto()
  const app = await startApp({ NUXT_MQTT_URL: broker.url, NUXT_HISTORY_RAW_DAYS: '0' })
  await app.untilBroker('connected')
  const device = await connectDevice(broker.url)
  const begin = Date.parse('2026-10-25T00:30:00.000Z')
  let count = 0
  const say = async (metrics: Record<string, unknown>) => {
    await device.publishAsync('sensors/-1=sheet/telemetry', JSON.stringify({ ts: new Date(begin + count++ * 1_000).toISOString(), metrics }), { qos: 1 })
  }
  for (const text of TEXTS) await say({ [METRIC]: text })
  for (const tempC of NUMBERS) await say({ tempC })
  await until(async () => (await app.health()).messages.accepted >= count || undefined, 'the messages to be stored')
  const profile = { name: '@Ramp; -1', metrics: { tempC: { unit: '-°C' } } }
  const saved = await fetch(`${app.url}/api/devices/-1%3Dsheet`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(profile) })
  expect(saved.status).toBe(200)
  const file = (query: string) => fetch(`${app.url}/api/sensors/-1%3Dsheet/export?from=${begin}&to=${begin + 3_600_000}&${query}`)
  return { app, begin, file }
}

/** The rows of a CSV file by RFC 4180; `isText` where a cell was quoted. */
function rowsOf(csv: string, separator: string, end: string) {
  const rows: { text: string, isText: boolean }[][] = [[]]
  const cell = new RegExp(String.raw`("(?:[^"]|"")*"|[^${separator}"\r\n]*)(${separator}|${end}|$)`, 'y')
  while (cell.lastIndex < csv.length) {
    const [, text = '', behind] = cell.exec(csv) ?? expect.fail(`no cell at ${cell.lastIndex}`)
    rows.at(-1)?.push({ text: text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text, isText: text.startsWith('"') })
    if (behind === end) rows.push([])
  }
  return rows.slice(0, -1)
}

/** What Excel, LibreOffice or another splits a line into when it takes other separators, and does not mind quotes. */
function everyCell(csv: string) {
  return csv.split(/[,;\t\r\n]/).flatMap(cell => [cell, cell.replaceAll('"', '')])
}

const isNumber = (cell: string) => /^-?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?$/i.test(cell)
const isRun = (cell: string) => /^\s*[=+\-@]/.test(cell.normalize('NFKC')) && !isNumber(cell)

describe.skipIf(!mosquitto)('a file for a spreadsheet', () => {
  it('has no cell that is run: in values, names, units and headings; numbers stay numbers', async () => {
    const { file } = await startWithSheet()
    const csv = await (await file('format=csv')).text()

    expect(everyCell(csv).filter(isRun)).toEqual([])
    const [head, ...rows] = rowsOf(csv, ',', '\n')
    expect(head?.map(({ text }) => text)).toEqual(['time', 'device', 'name', 'metric', 'unit', 'value'])
    expect(rows.slice(0, TEXTS.length).map(cells => cells.map(({ text }) => restored(text)).slice(1))).toEqual(TEXTS.map(text => ['-1=sheet', '@Ramp; -1', METRIC, '', text]))
    for (const cells of rows.slice(0, TEXTS.length)) if (/^[-+\d]/.test(restored(cells[5]?.text ?? ''))) expect(cells[5]?.isText, cells[5]?.text).toBe(true)
    expect(rows.slice(TEXTS.length).map(cells => [restored(cells[4]?.text ?? ''), Number(cells[5]?.text), cells[5]?.isText])).toEqual(NUMBERS.map(number => ['-°C', number, false]))
  })

  it('comes in a form for German Excel', async () => {
    const { file } = await startWithSheet()
    const answer = await file('format=csv-de&zone=Europe/Berlin')
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toMatch(/sheet\.csv$/)
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect([...bytes.subarray(0, 3)]).toEqual([0xEF, 0xBB, 0xBF])
    const csv = bytes.subarray(3).toString()
    expect(csv.split(/[;\t\r\n]/).flatMap(cell => [cell, cell.replaceAll('"', '')]).filter(isRun)).toEqual([])
    const [head, ...rows] = rowsOf(csv, ';', '\r\n')
    expect(head?.map(({ text }) => text)).toEqual(['time', 'local time (Europe/Berlin)', 'device', 'name', 'metric', 'unit', 'value'])
    expect(rows.map(cells => restored(cells[6]?.text ?? '')).slice(0, TEXTS.length)).toEqual(TEXTS)
    expect(rows.slice(TEXTS.length).map(cells => cells[6])).toEqual(['-5,5', '-5,25e+30', '1e-7', '0', '42'].map(text => ({ text, isText: false })))
    expect(rows[0]?.slice(0, 2).map(({ text }) => text)).toEqual(['2026-10-25T00:30:00.000Z', '25.10.2026 02:30:00'])
    // The second hour of that night has the same local times.
    const tokyo = await (await file('format=csv-de&zone=Asia/Tokyo')).text()
    expect(tokyo).toContain('2026-10-25T00:30:01.000Z;25.10.2026 09:30:01;')
    expect((await file('format=csv-de&zone=Europe/Nowhere')).status).toBe(400)
  })

  it('is exact as JSON lines', async () => {
    const { file } = await startWithSheet()
    const lines = (await (await file('format=jsonl')).text()).trim().split('\n').map(line => JSON.parse(line).value)
    expect(lines).toEqual([...TEXTS, ...NUMBERS])
  })

  it.skipIf(!browser)('is offered by the page, first of all in the form of its language', async () => {
    const { app } = await startWithSheet()
    for (const [locale, format] of [['de-DE', 'csv-de'], ['en-GB', 'csv']] as const) {
      const page = await openPage(`${app.url}/devices/-1%3Dsheet?from=2026-10-25T00:00:00Z&to=2026-10-25T02:00:00Z`, { locale, timezoneId: 'Europe/Vienna' })
      await page.locator('a[download]').first().waitFor()
      const hrefs = await page.evaluate('[...document.querySelectorAll("a[download]")].map(link => link.href)')
      const queries = Array.isArray(hrefs) ? hrefs.map(href => Object.fromEntries(new URL(String(href)).searchParams)) : []
      expect(queries[0]).toMatchObject({ format, from: '2026-10-25T00:00:00.000Z', to: '2026-10-25T02:00:00.000Z' })
      expect(queries.map(query => query.format).sort()).toEqual(['csv', 'csv-de', 'jsonl'])
      expect(queries.find(query => query.format === 'csv-de')).toMatchObject({ zone: 'Europe/Vienna' })
    }
  })
})
