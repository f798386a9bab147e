/** Reads the text of a stream as it comes, and calls `onData` for each complete event. */
export function createEventReader(onData: (data: string) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    let from = Math.max(0, rest.length - 1)
    rest += text
    for (let end = rest.indexOf('\n\n', from); end >= 0; end = rest.indexOf('\n\n', from)) {
      const data = rest.slice(0, end).split('\n').filter(line => line.startsWith('data:')).map(line => line.replace(/^data: ?/, ''))
      rest = rest.slice(end + 2)
      from = 0
      if (data.length > 0) onData(data.join('\n'))
    }
  }
}
