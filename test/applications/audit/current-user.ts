import { AsyncLocalStorage } from 'node:async_hooks';

const users = new AsyncLocalStorage<string | undefined>();

export const currentUser = (): string | undefined => users.getStore();

/** Middleware: the request's header says who is asking. */
export function rememberUser(request: any, _response: unknown, next: () => void): void {
  users.run(request.headers['x-user'], next);
}
