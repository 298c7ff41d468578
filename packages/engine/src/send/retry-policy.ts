import { GIVE_UP_CEILING_MS } from '../model/limits.ts';
import type { FailedAttempt, RetryPlan } from '../model/retry.ts';
import type { RetryFacts, RetrySettings } from './retry.ts';

/** The plan of a policy of the user's own; undefined leaves it to the schedule. Its faults never cost a mail its retry. */
export function askPolicy(facts: RetryFacts, { retry, onPolicyFault = () => {} }: RetrySettings): RetryPlan | undefined {
  const policy = retry?.policy;
  if (policy === undefined) return undefined;
  let answer: unknown;
  try {
    answer = policy(asSeenByUsers(facts));
  } catch (cause) {
    onPolicyFault(`it threw: ${cause instanceof Error ? cause.message : String(cause)}`);
    return undefined;
  }
  if (answer === undefined) return undefined;
  if (answer instanceof Promise) answer.catch(() => {}); // nobody waits for it, and its rejection would end the process
  const plan = readPlan(answer);
  if (plan === undefined) onPolicyFault(`it must answer { delayMs }, { giveUp: true } or undefined, and answered ${shown(answer)}`);
  return plan;
}

/** A copy: whatever a stranger's function does with it, the facts stay as they are. */
function asSeenByUsers({ notBeforeMs: _, ...facts }: RetryFacts): FailedAttempt {
  const { reply, recipients, failures } = facts;
  return { ...facts, failures: { ...failures }, recipients: [...recipients], ...(reply !== undefined && { reply: { ...reply } }) };
}

function readPlan(answer: unknown): RetryPlan | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  if ('giveUp' in answer && answer.giveUp === true) return { giveUp: true };
  if (!('delayMs' in answer) || typeof answer.delayMs !== 'number') return undefined;
  const { delayMs } = answer;
  return delayMs >= 0 && delayMs <= GIVE_UP_CEILING_MS ? { delayMs } : undefined;
}

function shown(answer: unknown): string {
  if (answer instanceof Promise) return 'a promise';
  try {
    return (JSON.stringify(answer) ?? typeof answer).slice(0, 100);
  } catch {
    return typeof answer;
  }
}
