import { Readable } from 'node:stream';
import { isAsyncGenerator, keepGeneratorInScope, keepStreamInScope } from '../../../lib/filter/keep-in-scope.js';
import { ScopeStorage } from '../../../lib/installation/scope-storage.js';

describe(keepGeneratorInScope.name, () => {
  const scope = new ScopeStorage();
  let ended: boolean;

  /** Gives the scope that each step sees. */
  async function* seen(steps: number): AsyncGenerator<unknown, unknown, unknown> {
    try {
      for (let i = 0; i < steps; i++) {
        yield scope.getStore();
      }
      return 'done';
    } finally {
      ended = true;
    }
  }
  const keep = (rows: AsyncGenerator<unknown, unknown, unknown>) => {
    const opened = scope.open('with');
    return { opened, kept: keepGeneratorInScope(rows, opened) };
  };
  beforeEach(() => {
    ended = false;
  });

  it('runs each step inside of the scope, whoever asks for it, and closes it at the end', async () => {
    const { opened, kept } = keep(seen(2));
    const found: unknown[] = [];
    for await (const shown of kept) {
      found.push(shown, scope.getStore(), opened.shown);
      await scope.run('only', async () => found.push(scope.getStore()));
    }
    expect(found).toEqual(['with', undefined, 'with', 'only', 'with', undefined, 'with', 'only']);
    expect([opened.shown, ended]).toEqual([undefined, true]);
    expect(await keep(seen(0)).kept.next()).toEqual({ done: true, value: 'done' });
  });

  it('closes it where the reader stops early', async () => {
    const { opened, kept } = keep(seen(5));
    for await (const shown of kept) {
      expect(shown).toBe('with');
      break;
    }
    expect([opened.shown, ended]).toEqual([undefined, true]);
  });

  it('closes it where a step fails, and where the reader throws into it', async () => {
    const failing = keep(
      (async function* () {
        yield 1;
        throw new Error('no');
      })(),
    );
    await failing.kept.next();
    expect(failing.opened.shown).toBe('with');
    await expect(failing.kept.next()).rejects.toThrow('no');
    expect(failing.opened.shown).toBeUndefined();

    const thrown = keep(seen(5));
    await thrown.kept.next();
    await expect(thrown.kept.throw(new Error('mine'))).rejects.toThrow('mine');
    expect([thrown.opened.shown, ended]).toEqual([undefined, true]);
  });

  it('closes it with what it returns, and when it is disposed of', async () => {
    const returned = keep(seen(5));
    await returned.kept.next();
    expect(await returned.kept.return('early')).toEqual({ done: true, value: 'early' });
    expect(returned.opened.shown).toBeUndefined();

    const disposed = keep(seen(5));
    await disposed.kept.next();
    await disposed.kept[Symbol.asyncDispose]();
    expect([disposed.opened.shown, ended]).toEqual([undefined, true]);
  });
});

describe(keepStreamInScope.name, () => {
  const scope = new ScopeStorage();
  const create = (read: (this: Readable) => void) => {
    const opened = scope.open('only');
    const stream = new Readable({
      objectMode: true,
      read,
      // Takes a moment, as the end of a query does.
      destroy: (error, done) => setImmediate(() => done(error)),
    });
    let ends = 0;
    const keep = () =>
      keepStreamInScope(
        stream,
        (run) => opened.enter(run),
        () => ends++,
      );
    return { stream, keep, ends: () => ends };
  };

  it('reads inside of the scope, and tells once that nothing more can be read', async () => {
    let left = 2;
    const { stream, keep, ends } = create(function read() {
      this.push(left-- > 0 ? scope.getStore() : null);
    });
    keep();
    const found: unknown[] = [];
    for await (const shown of stream) {
      found.push(shown, scope.getStore(), ends());
    }
    expect(found).toEqual(['only', undefined, 0, 'only', undefined, 0]);
    expect(ends()).toBe(1);
  });

  it('tells so at once of a stream that is closed, or fails already', async () => {
    const closed = create(() => undefined);
    closed.stream.destroy();
    await new Promise((resolve) => closed.stream.once('close', resolve));
    closed.keep();
    expect(closed.ends()).toBe(1);

    const failing = create(() => undefined);
    failing.stream.on('error', () => undefined);
    failing.stream.destroy(new Error('no'));
    failing.keep();
    expect(failing.ends()).toBe(1);
  });

  it('waits for one that is being closed', async () => {
    const { stream, keep, ends } = create(() => undefined);
    stream.destroy();
    keep();
    expect(ends()).toBe(0);
    await new Promise((resolve) => stream.once('close', resolve));
    expect(ends()).toBe(1);
  });
});

describe(isAsyncGenerator.name, () => {
  it('knows one from what is none', () => {
    expect(isAsyncGenerator((async function* () {})())).toBe(true);
    for (const other of [(function* () {})(), [], Promise.resolve(), undefined, { next: () => undefined }]) {
      expect(isAsyncGenerator(other)).toBe(false);
    }
  });
});
