import { Delete, type ExecutionContext } from '@nestjs/common';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { defer, lastValueFrom, Subject } from 'rxjs';
import { currentDeletionContext } from '../../../lib/events/deletion-context.js';
import { DeletionReason } from '../../../lib/http/deletion-reason.decorator.js';
import { DeletionReasonInterceptor } from '../../../lib/http/deletion-reason.interceptor.js';

class Controller {
  @DeletionReason({ header: 'X-Reason' })
  remove(): void {}

  @DeletionReason()
  archive(): void {}
}

describe(DeletionReasonInterceptor, () => {
  const interceptor = new DeletionReasonInterceptor(new Reflector(), new ModulesContainer());
  const contextOf = (handler: () => void, headers: Record<string, unknown> | undefined, type = 'http') =>
    ({
      getType: () => type,
      getHandler: () => handler,
      getClass: () => Controller,
      switchToHttp: () => ({ getRequest: () => ({ headers }) }),
    }) as unknown as ExecutionContext;
  const { remove, archive } = Controller.prototype;
  const reasonFor = (...args: Parameters<typeof contextOf>) =>
    lastValueFrom(
      interceptor.intercept(contextOf(...args), { handle: () => defer(async () => currentDeletionContext()) }),
    );

  it.each<[string, string, string]>([
    ['as it is', 'asked by phone', 'asked by phone'],
    ['without blanks around it', '  asked ', 'asked'],
    ['decoded', 'auf%20Wunsch%3A%20gel%C3%B6scht', 'auf Wunsch: gelöscht'],
    ['as it is where it is not encoded', '100% sure', '100% sure'],
  ])('takes the text of the header, %s', async (_what, header, reason) => {
    expect(await reasonFor(remove, { 'x-reason': header })).toEqual({ reason });
    expect(await reasonFor(archive, { 'x-deletion-reason': header })).toEqual({ reason });
  });

  it.each<[string, Record<string, unknown> | undefined]>([
    ['no headers', undefined],
    ['another header', { 'x-deletion-reason': 'asked' }],
    ['an empty header', { 'x-reason': '  ' }],
    ['a header that came twice', { 'x-reason': ['a', 'b'] }],
  ])('knows no reason of a request with %s', async (_what, headers) => {
    expect(await reasonFor(remove, headers)).toEqual({});
  });

  it('describes its header on the routes of classes that inherit the decorator', () => {
    @DeletionReason({ header: 'X-Reason' })
    class Base {}
    class Inheriting extends Base {
      @Delete()
      remove(): void {}
    }
    const parameters = () => Reflect.getMetadata('swagger/apiParameters', Inheriting.prototype.remove) as unknown;
    expect(parameters()).toBeUndefined();
    const modules = new ModulesContainer();
    modules.set('people', { controllers: new Map([[Inheriting, { metatype: Inheriting }]]) } as never);
    expect(new DeletionReasonInterceptor(new Reflector(), modules)).toBeDefined();
    expect(parameters()).toMatchObject([{ in: 'header', name: 'X-Reason', required: false }]);
  });

  it('asks no message or query for a header', async () => {
    expect(await reasonFor(remove, { 'x-reason': 'asked' }, 'rpc')).toEqual({});
    expect(await reasonFor(remove, { 'x-reason': 'asked' }, 'graphql')).toEqual({});
  });

  it('ends the context, and the work, with the request', async () => {
    const work = new Subject<void>();
    const seen: unknown[] = [];
    let look!: () => void;
    const handle = () =>
      defer(() => {
        const later = new Promise<void>((resolve) => (look = resolve)).then(() => seen.push(currentDeletionContext()));
        void later;
        return work;
      });
    const subscription = interceptor.intercept(contextOf(remove, { 'x-reason': 'asked' }), { handle }).subscribe();
    expect(work.observed).toBe(true);
    subscription.unsubscribe();
    expect(work.observed).toBe(false);
    look();
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([{}]);
  });
});
