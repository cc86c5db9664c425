import type { EntityClass } from '@mikro-orm/core';
import type { OnPurgeOptions } from './purge-hook.js';

const MARK = Symbol.for('nestjs-mikro-orm-soft-delete/on-purge');

/** What `@OnPurge()` says about a method. @internal */
export interface PurgeMark {
  readonly entity: EntityClass<any>;
  readonly options: OnPurgeOptions;
}

/** Remembers on the method itself what it is to be called for. @internal */
export function addPurgeMark(method: object, mark: PurgeMark): void {
  Object.defineProperty(method, MARK, { value: [...getPurgeMarks(method), mark], configurable: true });
}

/** What a method was marked for with `@OnPurge()`, if anything. @internal */
export function getPurgeMarks(method: object): readonly PurgeMark[] {
  return (method as { [MARK]?: readonly PurgeMark[] })[MARK] ?? [];
}
