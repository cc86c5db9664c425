import type { AnyEntityName } from '../../options/any-of-the-orm.js';
import { MethodMark } from '../../metadata/method-mark.js';
import type { DeletionHookOptions, HookedAction } from './deletion-hook.js';

/** What `@OnDelete()` or `@OnRestore()` says about a method. @internal */
export interface HookMark {
  readonly action: HookedAction;
  readonly entity: AnyEntityName;
  readonly options: DeletionHookOptions;
}

/** @internal */
export const HOOK = new MethodMark<HookMark>('hook');
