/** LobsterMail's default; the most is `PAGE_MAX`. */
export const PAGE_DEFAULT = 20;
