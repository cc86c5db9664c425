import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { withDeletionContext } from 'nestjs-mikro-orm-soft-delete/compliance';
import { currentDeletionContext as current } from '../../../lib/events/deletion-context.js';

describe(withDeletionContext, () => {
  it('says who and why within the function, and nothing around it', () => {
    expect(current()).toEqual({});
    expect(withDeletionContext({ actor: 'ada', reason: 'test' }, current)).toEqual({ actor: 'ada', reason: 'test' });
    expect(current()).toEqual({});
  });

  it('says what those around it say where it is silent', () => {
    withDeletionContext({ actor: 'ada', reason: 'test' }, () => {
      expect(withDeletionContext({ reason: 'other' }, current)).toEqual({ actor: 'ada', reason: 'other' });
      expect(withDeletionContext({ actor: 'bob' }, current)).toEqual({ actor: 'bob', reason: 'test' });
      expect(withDeletionContext({ actor: undefined } as never, current)).toEqual({ actor: 'ada', reason: 'test' });
    });
    expect(Object.keys(withDeletionContext({}, current))).toEqual([]);
  });

  it('lasts until the promise settles, and what outlives it goes on without', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let outlived: Promise<object> | undefined;
    const within = await withDeletionContext({ actor: 'ada' }, async () => {
      outlived = released.then(current);
      await Promise.resolve();
      return current();
    });
    release();
    expect([within, await outlived]).toEqual([{ actor: 'ada' }, {}]);
  });

  it.each(['returns', 'throws', 'rejects'] as const)('is over once the function %s', async (way) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let outlived: Promise<object> | undefined;
    const run = (): unknown =>
      withDeletionContext({ actor: 'outer' }, () =>
        withDeletionContext({ actor: 'ada' }, (): unknown => {
          outlived = released.then(current);
          if (way === 'throws') {
            throw new Error(way);
          }
          return way === 'rejects' ? Promise.reject(new Error(way)) : way;
        }),
      );
    const result = (async () => run())();
    expect(await result.catch((error: Error) => error.message)).toBe(way);
    release();
    expect(await outlived).toEqual({});
  });

  it('runs within it what begins when it is awaited, as a query builder does', async () => {
    let seen: object | undefined;
    // oxlint-disable-next-line unicorn/no-thenable -- a query builder is one
    const lazy = { then: (resolve: (value: number) => void) => ((seen = current()), resolve(7)) };
    expect(await withDeletionContext({ actor: 'ada' }, () => lazy as unknown as Promise<number>)).toBe(7);
    expect(seen).toEqual({ actor: 'ada' });
  });

  it.each<[object, string]>([
    [{ actr: 'ada' }, 'withDeletionContext(), actr: there is no such option (given: "ada"). Did you mean actor?'],
    [{ actor: '' }, 'withDeletionContext(), actor: "" is not text.'],
    [{ reason: 7 }, 'withDeletionContext(), reason: 7 is not text.'],
    [null as never, 'withDeletionContext(): null is not an object of options.'],
  ])('refuses %j before anything is called', (context, message) => {
    let isCalled = false;
    const call = () => withDeletionContext(context, () => (isCalled = true));
    expect(call).toThrow(SoftDeleteConfigError);
    expect(call).toThrow(message);
    expect(isCalled).toBe(false);
  });
});
