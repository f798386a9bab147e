import { useColorMode, useElementSize } from '@vueuse/core'
import { onMounted, onScopeDispose, shallowRef, watch } from 'vue'
import type { Ref } from 'vue'
import type uPlot from 'uplot'
import { timeMarks, timeTicks, valueTicks } from '#shared/history/chart-ticks'
import type { TimeWindow } from '#shared/history/history-range'
import type { Columns } from '#shared/history/history-series'
import { useFormats } from '../shell/useFormats'

const HEIGHT_PX = 168
/** The value axis has the same width in every chart, so that their times are aligned. */
export const AXIS_PX = 56
const AXIS_FONT = '12px system-ui, "Segoe UI", Roboto, sans-serif'
/** A shorter drag is a click. */
const SHORTEST_DRAG_PX = 6
const FEW_POINTS = 40

export interface TimeChartOptions {
  columns: Readonly<Ref<Columns>>
  shown: Readonly<Ref<TimeWindow>>
  /** The time under the pointer of any chart, or chosen by keyboard. */
  cursor: Ref<number | null>
  onZoom: (window: TimeWindow) => void
  onReset: () => void
}

/** Draws band and line of a number into `area`; again when the size, the colours or the language change. */
export function useTimeChart(area: Readonly<Ref<HTMLElement | null>>, options: TimeChartOptions) {
  const { columns, shown, cursor } = options
  const { language } = useFormats()
  const { width } = useElementSize(area)
  const colourMode = useColorMode()
  const library = shallowRef<typeof uPlot>()
  const hasFailed = shallowRef(false)
  let chart: uPlot | undefined

  function build() {
    chart?.destroy()
    chart = undefined
    const [Chart, place, across] = [library.value, area.value, width.value]
    if (!Chart || !place || across === 0) return
    attempt(() => {
      chart = new Chart(chartOptions(place, across, language.value, options), dataOf(columns.value), place)
    })
    draw()
  }

  function draw() {
    if (!chart) return
    const drawn = chart
    attempt(() => {
      drawn.setData(dataOf(columns.value), false)
      drawn.setScale('x', { min: shown.value.from, max: shown.value.to })
    })
    place()
  }

  /** The table of values needs no drawing. */
  function attempt(act: () => void) {
    try {
      act()
      hasFailed.value = false
    }
    catch {
      hasFailed.value = true
    }
  }

  function place() {
    if (!chart) return
    const left = cursor.value === null ? -10 : chart.valToPos(cursor.value, 'x')
    chart.setCursor({ left, top: left < 0 ? -10 : 0 }, false)
  }

  onMounted(async () => {
    try {
      library.value = (await import('uplot')).default
    }
    catch {
      hasFailed.value = true
    }
  })
  // After the page has the colours of the mode.
  watch([library, area, language, colourMode], build, { flush: 'post' })
  watch(width, (now, before) => before === 0 || !chart ? build() : chart.setSize({ width: now, height: HEIGHT_PX }))
  watch([columns, shown], draw)
  watch(cursor, place)
  onScopeDispose(() => chart?.destroy())

  return { hasFailed }
}

function dataOf({ times, mins, maxs, means }: Columns): uPlot.AlignedData {
  return [times, maxs, mins, means]
}

function chartOptions(area: HTMLElement, width: number, language: string, { shown, cursor, onZoom, onReset }: TimeChartOptions): uPlot.Options {
  const style = getComputedStyle(area)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const [line, grid, words] = [colour('--ui-primary'), colour('--ui-border'), colour('--ui-text-muted')]
  const axis = { stroke: words, font: AXIS_FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } }
  const edge = { stroke: 'transparent', points: { show: false } }
  return {
    width,
    height: HEIGHT_PX,
    ms: 1,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    scales: { x: { time: true, min: shown.value.from, max: shown.value.to } },
    axes: [
      {
        ...axis,
        size: 28,
        space: 72,
        splits: (_, __, from, to, increment) => timeMarks(from, to, increment),
        values: (_, times, __, ___, increment) => timeTicks(language, times, increment),
      },
      { ...axis, size: AXIS_PX, space: 32, values: (_, values, __, ___, increment) => valueTicks(language, values, increment) },
    ],
    series: [{}, edge, edge, { stroke: line, width: 1.5, points: { show: false, size: 4, fill: line, filter: pointsToMark } }],
    bands: [{ series: [1, 2], fill: `color-mix(in oklab, ${line} 25%, transparent)` }],
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          onReset()
          return null
        },
      },
    },
    hooks: {
      setCursor: [(chart) => {
        const { left } = chart.cursor
        cursor.value = left === undefined || left < 0 ? null : chart.posToVal(left, 'x')
      }],
      setSelect: [(chart) => {
        const { left, width: wide } = chart.select
        if (wide >= SHORTEST_DRAG_PX) onZoom({ from: chart.posToVal(left, 'x'), to: chart.posToVal(left + wide, 'x') })
        chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
      }],
    },
  }
}

/** A few points are all marked; among many only those without a neighbour, which no line would show. */
function pointsToMark({ data }: uPlot): number[] {
  const means = data[3] ?? []
  const isValue = (i: number) => typeof means[i] === 'number'
  const indexes = Array.from(means, (_, i) => i).filter(isValue)
  return indexes.length <= FEW_POINTS ? indexes : indexes.filter(i => !isValue(i - 1) && !isValue(i + 1))
}
