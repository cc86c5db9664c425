import type { EntityClass } from '@mikro-orm/core';
import type { DeletionHookOptions, HookedAction } from './deletion-hook.js';

const MARK = Symbol.for('nestjs-mikro-orm-soft-delete/hook');

/** What `@OnDelete()` or `@OnRestore()` says about a method. @internal */
export interface HookMark {
  readonly action: HookedAction;
  readonly entity: EntityClass<any>;
  readonly options: DeletionHookOptions;
}

/** Remembers on the method itself what it is to be called for. @internal */
export function addHookMark(method: object, mark: HookMark): void {
  Object.defineProperty(method, MARK, { value: [...getHookMarks(method), mark], configurable: true });
}

/** What a method was marked for, if anything. @internal */
export function getHookMarks(method: object): readonly HookMark[] {
  return (method as { [MARK]?: readonly HookMark[] })[MARK] ?? [];
}
