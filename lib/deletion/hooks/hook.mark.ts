import type { EntityClass } from '@mikro-orm/core';
import { MethodMark } from '../../metadata/method-mark.js';
import type { DeletionHookOptions, HookedAction } from './deletion-hook.js';

/** What `@OnDelete()` or `@OnRestore()` says about a method. @internal */
export interface HookMark {
  readonly action: HookedAction;
  readonly entity: EntityClass<object>;
  readonly options: DeletionHookOptions;
}

/** @internal */
export const HOOK = new MethodMark<HookMark>('hook');
