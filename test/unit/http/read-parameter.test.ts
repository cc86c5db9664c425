import type { ExecutionContext } from '@nestjs/common';
import { readParameter } from '../../../lib/http/read-parameter.js';

describe(readParameter, () => {
  const http = { getType: () => 'http', switchToHttp: () => ({ getRequest: () => ({ query: { deleted: 'only' } }) }) };
  const graphql = (...args: unknown[]) => ({ getType: () => 'graphql', getArgs: () => args });
  const message = (type: 'rpc' | 'ws', data: unknown) => ({
    getType: () => type,
    switchToRpc: () => ({ getData: () => (type === 'rpc' ? data : undefined) }),
    switchToWs: () => ({ getData: () => (type === 'ws' ? data : undefined) }),
  });
  const read = (context: object, parameter: { query?: string; arg?: string }) =>
    readParameter(context as ExecutionContext, parameter);
  const arg = { arg: 'deleted' };

  it('reads the query of an HTTP request', () => {
    expect(read(http, { query: 'deleted' })).toEqual({ value: 'only', called: 'The query parameter deleted' });
    expect(read(http, { query: 'other' }).value).toBeUndefined();
    expect(read(http, arg).value).toBeUndefined();
  });

  it.each([
    ['a field', graphql({}, { deleted: 'only' }, {}, {})],
    ['a message', message('rpc', { deleted: 'only' })],
    ['a message of a socket', message('ws', { deleted: 'only' })],
  ])('reads the argument of %s', (_what, context) => {
    expect(read(context, arg)).toEqual({ value: 'only', called: 'The argument deleted' });
    expect(read(context, { arg: 'other' }).value).toBeUndefined();
    expect(read(context, { query: 'deleted' }).value).toBeUndefined();
  });

  it.each<[string, object]>([
    ['an argument that is null', graphql({}, { deleted: null }, {}, {})],
    ['a reference, which has no arguments', graphql({}, {}, { deleted: 'only' })],
    ['no data', message('rpc', null)],
    ['data that is no object', message('rpc', 'deleted')],
    ['what an object inherits', message('ws', Object.create({ deleted: 'only' }))],
    ['a context of another kind', { getType: () => 'cron' }],
  ])('finds nothing in %s', (_what, context) => {
    expect(read(context, arg).value).toBeUndefined();
  });
});
