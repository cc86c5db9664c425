import { jest } from '@jest/globals';
import { startWaiting } from '../../../lib/cli/waiting.js';

describe(startWaiting.name, () => {
  const { isTTY, write } = process.stderr;
  let written: string[];

  beforeEach(() => {
    jest.useFakeTimers();
    written = [];
    process.stderr.isTTY = true;
    process.stderr.write = ((text: string) => written.push(text) > 0) as typeof write;
  });
  afterEach(() => {
    jest.useRealTimers();
    Object.assign(process.stderr, { isTTY, write });
  });

  it('adds a dot every half second, and takes the line away at the end', () => {
    const waiting = startWaiting('Counting', false);
    jest.advanceTimersByTime(2_000);
    expect(written).toEqual(['\rCounting.  ', '\rCounting.. ', '\rCounting...', '\rCounting.  ']);
    waiting.end();
    jest.advanceTimersByTime(2_000);
    expect(written.slice(4)).toEqual(['\r\u001b[K']);
  });

  it('is silent with --json and where nobody watches', () => {
    startWaiting('Counting', true).end();
    process.stderr.isTTY = false;
    const waiting = startWaiting('Counting', false);
    jest.advanceTimersByTime(2_000);
    waiting.end();
    expect(written).toEqual([]);
  });
});
