import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamableFile } from '@nestjs/common';
import { catchError, defer, interval, lastValueFrom, map, NEVER, of, Subject, take, tap, toArray } from 'rxjs';
import { observeInScope } from '../../../lib/http/observe-in-scope.js';
import { ScopeStorage } from '../../../lib/installation/scope-storage.js';

describe(observeInScope.name, () => {
  const first = new ScopeStorage();
  const second = new ScopeStorage();
  const scopes = () => [first.getStore(), second.getStore()];

  it('opens the scope of every ORM for the source and what it awaits', async () => {
    const source = defer(async () => {
      const before = scopes();
      await sleep(1);
      return [before, scopes()];
    });
    expect(await lastValueFrom(observeInScope([first, second], 'with', () => source))).toEqual([
      ['with', 'with'],
      ['with', 'with'],
    ]);
  });

  it('gives back the scope of the one who subscribes, with every value', async () => {
    const seen: unknown[] = [];
    const result = first.run('only', () =>
      lastValueFrom(
        observeInScope([first, second], 'with', () => interval(1).pipe(map(() => scopes()))).pipe(
          tap(() => seen.push(scopes())),
          take(2),
          toArray(),
        ),
      ),
    );
    expect(await result).toEqual([
      ['with', 'with'],
      ['with', 'with'],
    ]);
    expect(seen).toEqual([
      ['only', undefined],
      ['only', undefined],
    ]);
  });

  it('is left by the caller at once, and ends the source with the subscription', () => {
    const source = new Subject<number>();
    const subscription = observeInScope([first], 'with', () => source).subscribe();
    expect(scopes()).toEqual([undefined, undefined]);
    expect(source.observed).toBe(true);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
  });

  it('closes when the source ends, for whatever it has left running', async () => {
    const seen: unknown[] = [];
    const start = () => void sleep(5).then(() => seen.push(scopes()));
    const ends = [
      defer(async () => start()),
      defer(async () => {
        start();
        throw new RangeError('out of range');
      }).pipe(catchError(() => of(undefined))),
    ];
    for (const source of ends) {
      await lastValueFrom(observeInScope([first, second], 'with', () => source));
    }
    const subscription = observeInScope([first, second], 'only', () => {
      start();
      return NEVER;
    }).subscribe();
    subscription.unsubscribe();
    await sleep(20);
    expect(seen).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('stays open until the stream that the source gave was read', async () => {
    const seen: unknown[] = [];
    async function* lines() {
      seen.push(scopes());
      yield 'a';
      await sleep(1);
      seen.push(scopes());
      yield 'b';
    }
    const late = Promise.withResolvers<void>();
    const source = defer(async () => {
      void late.promise.then(() => seen.push(scopes()));
      return new StreamableFile(Readable.from(lines()));
    });
    const file = await lastValueFrom(observeInScope([first, second], 'with', () => source));
    await file.getStream().toArray();
    await sleep(1);
    late.resolve();
    await sleep(1);
    expect(seen).toEqual([
      ['with', 'with'],
      ['with', 'with'],
      [undefined, undefined],
    ]);
  });

  it('waits for the response of a handler that writes it itself', async () => {
    const response = new PassThrough();
    const source = () => defer(async () => [1, 2].forEach(() => late()));
    const seen: unknown[] = [];
    const late = () => void sleep(seen.length + 5).then(() => seen.push(scopes()));
    await lastValueFrom(observeInScope([first], 'with', source, response));
    await sleep(10);
    expect(seen).toEqual([
      ['with', undefined],
      ['with', undefined],
    ]);
    response.resume().end();
    await sleep(1);
    await lastValueFrom(observeInScope([first], 'with', source, response));
    await sleep(20);
    expect(seen.slice(2)).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('keeps the scope of a handler that goes on after its client has gone', async () => {
    const response = new PassThrough();
    const seen: unknown[] = [];
    const gone = Promise.withResolvers<void>();
    const source = defer(async () => {
      await gone.promise;
      await sleep(1);
      seen.push(scopes());
      return 'late';
    });
    const result = lastValueFrom(observeInScope([first, second], 'with', () => source, response));
    response.destroy();
    await once(response, 'close');
    await sleep(1);
    gone.resolve();
    expect(await result).toBe('late');
    expect(seen).toEqual([['with', 'with']]);
  });

  it('closes behind a stream that nobody reads any more, since the client has gone', async () => {
    const response = new PassThrough();
    const late = Promise.withResolvers<void>();
    const seen: unknown[] = [];
    const source = defer(async () => {
      void late.promise.then(() => seen.push(scopes()));
      return new StreamableFile(Readable.from(['a', 'b']));
    });
    await lastValueFrom(observeInScope([first, second], 'with', () => source, response));
    response.destroy();
    await once(response, 'close');
    await sleep(1);
    late.resolve();
    await sleep(1);
    expect(seen).toEqual([[undefined, undefined]]);
  });
});
