import { AsyncResource } from 'node:async_hooks';
import { ScopeStorage } from '../../../lib/installation/scope-storage.js';

describe(ScopeStorage, () => {
  const storage = new ScopeStorage();
  const look = () => AsyncResource.bind(() => storage.getStore());

  it('closes a scope with the work in it, whatever that has left running', async () => {
    const [later, laterStill] = [storage.run('with', look), await storage.run('only', async () => look())];
    expect([later(), laterStill()]).toEqual([undefined, undefined]);
    expect(storage.run('with', () => storage.getStore())).toBe('with');
  });

  it('closes a scope whose work throws', () => {
    let later: (() => unknown) | undefined;
    expect(() =>
      storage.run('with', () => {
        later = look();
        throw new Error('refused');
      }),
    ).toThrow('refused');
    expect(later!()).toBeUndefined();
  });

  it('keeps a scope open until the promise of its work has settled', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let during: (() => unknown) | undefined;
    const work = storage.run('with', async () => {
      during = look();
      await promise;
    });
    expect(during!()).toBe('with');
    resolve();
    await work;
    expect(during!()).toBeUndefined();
  });
});
