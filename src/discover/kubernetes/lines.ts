// Lines of a byte stream, bounded.

/** Lines without their ends; a last line without one is dropped: it is not whole. Throws at a longer line. */
export async function* linesOf(stream: AsyncIterable<Buffer>, longestBytes: number): AsyncIterable<string> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      pieces.push(chunk.subarray(from, end));
      const line = Buffer.concat(pieces).toString();
      pieces = [];
      length = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > longestBytes) throw new Error('a line is too long');
  }
}
