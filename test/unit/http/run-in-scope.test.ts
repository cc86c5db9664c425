import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeletedScope } from 'nestjs-mikro-orm-soft-delete';
import { defer, interval, lastValueFrom, map, Subject, take, tap, toArray } from 'rxjs';
import { runInScope } from '../../../lib/http/run-in-scope.js';

describe(runInScope.name, () => {
  const first = new AsyncLocalStorage<DeletedScope>();
  const second = new AsyncLocalStorage<DeletedScope>();
  const scopes = () => [first.getStore(), second.getStore()];

  it('opens the scope of every ORM for the source and what it awaits', async () => {
    const source = defer(async () => {
      const before = scopes();
      await sleep(1);
      return [before, scopes()];
    });
    expect(await lastValueFrom(runInScope([first, second], 'with', () => source))).toEqual([
      ['with', 'with'],
      ['with', 'with'],
    ]);
  });

  it('gives back the scope of the one who subscribes, with every value', async () => {
    const seen: unknown[] = [];
    const result = first.run('only', () =>
      lastValueFrom(
        runInScope([first, second], 'with', () => interval(1).pipe(map(() => scopes()))).pipe(
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
      ['only', 'active'],
      ['only', 'active'],
    ]);
  });

  it('is left by the caller at once, and ends the source with the subscription', () => {
    const source = new Subject<number>();
    const subscription = runInScope([first], 'with', () => source).subscribe();
    expect(scopes()).toEqual([undefined, undefined]);
    expect(source.observed).toBe(true);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
  });
});
