/**
 * The file system the database lies on, and the ballast kept there: a file of no use but its size, which is given back
 * when a write finds no room, so that what is under way can still be recorded. All processes on one database share it.
 */
export interface Disk {
  look(): Promise<DiskSeen>;
  /** Makes the ballast up to this size with blocks that are really taken. Rejects when there is no room, and then leaves none. */
  keepBallast(bytes: number): Promise<void>;
  /** Gives it back at once; without one nothing happens. */
  dropBallast(): void;
}

export interface DiskSeen {
  /** What this process may still write, beside the ballast. */
  readonly freeBytes: number;
  /** What dropping the ballast would give; 0 = there is none. */
  readonly ballastBytes: number;
}
