import type { ExecutionContext } from '@nestjs/common';
import { readQuery } from '../../../lib/http/read-query.js';

describe(readQuery.name, () => {
  const context = (type: string, request: unknown) =>
    ({ getType: () => type, switchToHttp: () => ({ getRequest: () => request }) }) as ExecutionContext;

  it('reads what the request has and nothing that every object has', () => {
    const request = { query: Object.assign(Object.create(null), { trashed: 'only' }) };
    expect(readQuery(context('http', request), 'trashed')).toBe('only');
    expect(readQuery(context('http', { query: {} }), 'constructor')).toBeUndefined();
    expect(readQuery(context('http', {}), 'trashed')).toBeUndefined();
  });

  it('takes nothing from the payload of a message', () => {
    expect(readQuery(context('rpc', { query: { trashed: 'only' } }), 'trashed')).toBeUndefined();
  });
});
