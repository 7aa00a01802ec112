"""From a downloaded folder to a competition's facts: what is there, what it means, what stays open.

`conclusions.conclude` goes through the steps, one module each; `writing` makes the facts source.
"""
