import { describe } from 'vitest';
import { crashBeforeTheCommit } from './ledger-suite/case-01-crash-before-the-commit.ts';
import { crashInTheWindow } from './ledger-suite/case-02-crash-in-the-window.ts';
import { zombie } from './ledger-suite/case-03-zombie.ts';
import { lostAnswers } from './ledger-suite/case-04-lost-answers.ts';
import { concurrency } from './ledger-suite/case-05-concurrency.ts';
import { crashPointsOfSubmit } from './ledger-suite/case-06-crash-points-of-submit.ts';
import { storeRestarted } from './ledger-suite/case-07-store-restarted.ts';
import { budgetsAndStanding } from './ledger-suite/case-08-budgets-and-standing.ts';
import { holdsAndGates } from './ledger-suite/case-08-holds-and-gates.ts';
import { limits } from './ledger-suite/case-08-limits.ts';
import { priorities } from './ledger-suite/case-08-priorities.ts';
import { turns } from './ledger-suite/case-08-turns.ts';
import { retryAndPoison } from './ledger-suite/case-09-retry-and-poison.ts';
import { shutdownCancelTime } from './ledger-suite/case-10-shutdown-cancel-time.ts';
import { deadLetters } from './ledger-suite/case-11-dead-letters.ts';
import { givenA, type LedgerWorld } from './ledger-suite/desk.ts';
import { whatItAnswers } from './ledger-suite/what-it-answers.ts';

export type { LedgerWorld } from './ledger-suite/desk.ts';

/**
 * What every ledger must do: the promises of `ports/ledger.ts`, then the ledger's side of the ten failure cases of
 * docs/reference/reliability. Read in order, the titles are the specification. Needs vitest.
 *
 * @param name  how the ledger is called in the report
 * @param open  makes a fresh, empty ledger; every test opens and closes its own
 * @example     ledgerSuite('memory', async () => { const clock = createManualClock(); … });
 */
export function ledgerSuite(name: string, open: () => Promise<LedgerWorld>): void {
  const given = givenA(open);
  describe(`ledger: ${name}`, () => {
    whatItAnswers(given);
    crashBeforeTheCommit(given);
    crashInTheWindow(given);
    zombie(given);
    lostAnswers(given);
    concurrency(given);
    crashPointsOfSubmit(given);
    storeRestarted(given);
    turns(given);
    priorities(given);
    limits(given);
    holdsAndGates(given);
    budgetsAndStanding(given);
    retryAndPoison(given);
    shutdownCancelTime(given);
    deadLetters(given);
  });
}
